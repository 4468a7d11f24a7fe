// A browser without SharedWorker: each tab has a worker of its own, and all goes as it does elsewhere.
import { contents, draftsKept, expect, row, signIn, subjectOf, test } from "./roost.mjs";

test.use({ seed: "many:20" });

test("without SharedWorker each tab works by itself", async ({ page, context, account, imap }) => {
  await context.addInitScript(() => delete window.SharedWorker);
  await signIn(page, account);
  expect(await page.evaluate(() => "SharedWorker" in window)).toBe(false);
  const second = await context.newPage();
  await second.goto(account.url);
  const first = await subjectOf(page, 0);
  await expect(row(second, first)).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("e");
  await expect(row(page, first)).toHaveCount(0);
  await expect(row(second, first)).toHaveCount(0);
  await expect.poll(async () => (await contents(imap, "Archive")).has(first)).toBe(true);
});

test("a message belongs to one worker, and to another once that one has ended", async ({ page, context, account, imap }) => {
  await context.addInitScript(() => delete window.SharedWorker);
  const text = (page) => page.getByRole("textbox", { name: "Message text" });
  const drafts = async () => {
    const lock = await imap.getMailboxLock("Drafts").catch(() => undefined);
    if (!lock) return [];
    await imap.noop();
    const texts = [];
    if (imap.mailbox.exists > 0) {
      // Where a draft goes while this is asked, its source is empty.
      for await (const one of imap.fetch("1:*", { source: true })) texts.push(one.source?.toString().split("\r\n\r\n")[1]?.trim());
    }
    lock.release();
    return texts;
  };
  await signIn(page, account);
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await page.getByRole("textbox", { name: "Subject" }).fill("Mine");
  await text(page).fill("from the first");
  await expect(page.getByRole("status", { name: "Draft" })).toHaveText("Saved in Drafts");
  // Changed without a pause while the second worker looks at what is kept: only the first may save that.
  const second = await context.newPage();
  let typing = true;
  const typed = (async () => {
    while (typing) await text(page).press("x", { delay: 200 });
  })();
  await second.goto(account.url);
  await expect(second.getByRole("status", { name: "Connection" })).toHaveText(/Live/);
  // Long enough to save, if it would.
  await second.waitForTimeout(3_000);
  typing = false;
  await typed;
  await expect(page.getByRole("status", { name: "Draft" })).toHaveText("Saved in Drafts");
  await text(page).fill("from the first, and more");
  await expect(page.getByRole("status", { name: "Draft" })).toHaveText("Saved in Drafts");
  await expect(page.getByText("This draft was changed on another device meanwhile.")).toHaveCount(0);
  await expect.poll(drafts).toEqual(["from the first, and more"]);
  // The first ends with words that only it had: the second has been waiting for that.
  await text(page).fill("from the first, and its last words");
  await expect.poll(() => draftsKept(page)).toContain("its last words");
  await page.close();
  await expect.poll(drafts, { timeout: 15_000 }).toEqual(["from the first, and its last words"]);
});
