// The list draws what is on screen first, and the rows around it without touching those.
import { expect, newAccount, row, rows, signIn, test } from "./roost.mjs";

/** Notes how many rows stood there when the first did, and each row that leaves the document from then on. */
const watch = () => {
  window.left = [];
  new MutationObserver((changes) => {
    const drawn = document.querySelectorAll('[role="row"]:not(.skeleton)').length;
    if (drawn > 0) window.first ??= drawn;
    window.left.push(...changes.flatMap((change) => [...change.removedNodes]));
  }).observe(document, { childList: true, subtree: true });
};

test("the rows on screen come first, those around them after", async ({ page }) => {
  await page.addInitScript(watch);
  await signIn(page, await newAccount("many:300"));
  // Ten are on screen, and forty more below.
  await expect.poll(() => rows(page).count()).toBeGreaterThan(48);
  expect(await page.evaluate(() => window.first)).toBeLessThan(20);
});

test("after a jump, the rows on screen stay where they are while others are drawn: no click is lost", async ({ page }) => {
  await page.addInitScript(watch);
  await signIn(page, await newAccount("many:300"));
  await expect.poll(() => rows(page).count()).toBeGreaterThan(48);
  await page.getByRole("grid", { name: "Messages" }).evaluate(async (list) => {
    list.scrollTop = 76 * 150;
    const { top, bottom } = list.getBoundingClientRect();
    const onScreen = () =>
      [...list.querySelectorAll('[role="row"]:not(.skeleton)')].filter((row) => {
        const place = row.getBoundingClientRect();
        return place.bottom > top && place.top < bottom;
      });
    while (onScreen().length < 9) await new Promise(requestAnimationFrame);
    window.left = [];
    window.stay = onScreen();
  });
  await expect.poll(() => rows(page).count()).toBeGreaterThan(88);
  expect(await page.evaluate(() => window.stay.filter((row) => window.left.includes(row)).map((row) => row.getAttribute("aria-label")))).toEqual([]);
  await expect(row(page, / 149\b/)).toBeVisible();
});
