// A browser without SharedWorker: each tab has a worker of its own, and all goes as it does elsewhere.
import { contents, expect, row, rows, signIn, test } from "./roost.mjs";

test.use({ seed: "many:20" });

test("without SharedWorker each tab works by itself", async ({ page, context, account, imap }) => {
  await context.addInitScript(() => delete window.SharedWorker);
  await signIn(page, account);
  expect(await page.evaluate(() => "SharedWorker" in window)).toBe(false);
  const second = await context.newPage();
  await second.goto(account.url);
  const first = (await rows(page).first().locator(".subject").textContent()).trim();
  await expect(row(second, first)).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("e");
  await expect(row(page, first)).toHaveCount(0);
  await expect(row(second, first)).toHaveCount(0);
  await expect.poll(async () => (await contents(imap, "Archive")).has(first)).toBe(true);
});
