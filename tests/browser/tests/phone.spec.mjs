import { bodyFrame, contents, expect, row, rows, signIn, subjectOf, test } from "./roost.mjs";

/** Moves a finger over a row, by so many pixels from where it began, one place after the other. */
async function swipe(page, target, ...places) {
  await expect(target).toBeVisible();
  const box = await target.boundingBox();
  const y = box.y + box.height / 2;
  const x = box.x + box.width / 2;
  const client = await page.context().newCDPSession(page);
  const touch = (type, px) =>
    client.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x: px, y }] });
  await touch("touchStart", x);
  let from = 0;
  for (const to of places) {
    for (let step = 1; step <= 8; step++) await touch("touchMove", x + from + ((to - from) * step) / 8);
    from = to;
  }
  await touch("touchEnd");
}

test("one pane at a time, with a way back", async ({ page, account }) => {
  await signIn(page, account);
  await expect(page.getByRole("navigation", { name: "Mailboxes" })).toBeHidden();
  await row(page, /Welcome to Roost/).click();
  await expect(bodyFrame(page).getByText("This is the demo of Roost.")).toBeVisible();
  await expect(page.getByRole("grid", { name: "Messages" })).toBeHidden();
  await page.goBack();
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
  await page.getByRole("button", { name: "Show mailboxes" }).click();
  await page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Sent/ }).click();
  await expect(page.getByRole("heading", { name: "Sent" })).toBeVisible();
  // Nothing is wider than the screen.
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

test("swiping right archives, swiping left deletes", async ({ page, account, imap }) => {
  await signIn(page, account);
  const [first, second] = [await subjectOf(page, 0), await subjectOf(page, 1)];
  await swipe(page, rows(page).nth(0), 180);
  await expect.poll(async () => (await contents(imap, "Archive")).has(first)).toBe(true);
  await expect(row(page, first)).toHaveCount(0);
  await swipe(page, rows(page).nth(0), -180);
  await expect.poll(async () => (await contents(imap, "Trash")).has(second)).toBe(true);
  // A short one does nothing, nor does one that goes back.
  for (const places of [[40], [180, 0], [-180, 0]]) {
    await swipe(page, rows(page).nth(0), ...places);
    await expect(page.locator(".swipe-hint")).toHaveCount(0);
    await expect(row(page, "Build Server").locator(".content")).toHaveCSS("transform", "none");
  }
});
