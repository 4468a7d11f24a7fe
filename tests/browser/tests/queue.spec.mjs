// The changes that are not on the server yet: seen, and cancelled where that is still possible.
import { appIsKept, contents, expect, row, signIn, stage, subjectOf, test } from "./roost.mjs";

const status = (page) => page.getByRole("status", { name: "Connection" });
const list = (page) => page.getByRole("list", { name: "Changes not on the server yet" });

/** Does something with the message of that subject, then is in the list again. */
async function act(page, subject, key) {
  await row(page, subject).getByRole("checkbox").click();
  await page.keyboard.press(key);
}

test("what was done without a line is listed, one change is cancelled, and the server has only the others", async ({ page, account, imap, isMobile }, info) => {
  await signIn(page, account);
  await appIsKept(page);
  const [starred, archived, deleted] = [await subjectOf(page, 0), await subjectOf(page, 1), await subjectOf(page, 2)];
  const before = (await contents(imap, "INBOX")).get(starred).flags.has("\\Flagged");
  await stage({ do: "line", down: true });
  try {
    await expect(status(page)).not.toHaveText(/Live/);
    await act(page, starred, "s");
    await page.keyboard.press("Escape");
    await act(page, archived, "e");
    await expect(row(page, archived)).toHaveCount(0);
    await act(page, deleted, "#");
    await status(page).getByRole("button", { name: "3 changes waiting" }).click();
    await expect(list(page).getByRole("listitem")).toHaveText([
      /star .*“.*”.*Waits for a connection|Star “.*”.*Waits for a connection/, /Move “.*” to Archive.*Waits/, /Move “.*” to Trash.*Waits/,
    ]);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: info.outputPath(`queue-${colorScheme}.png`) });
    }
    // Nothing is wider than the screen.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(page.viewportSize().width);
    await list(page).getByRole("button", { name: /^Cancel: Move .* to Archive/ }).click();
    await expect(list(page).getByRole("listitem")).toHaveCount(2);
    await page.keyboard.press("Escape");
    await expect(row(page, archived)).toBeVisible();
    await expect(row(page, deleted)).toHaveCount(0);
    // The settings lead there too, and it is the same after the page is loaded anew.
    if (isMobile) await page.getByRole("button", { name: "Show mailboxes" }).click();
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("button", { name: "Show them" }).click();
    await expect(list(page).getByRole("listitem")).toHaveCount(2);
  } finally {
    await stage({ do: "line", down: false });
  }
  await expect(list(page).getByRole("listitem")).toHaveCount(0, { timeout: 45_000 });
  await expect(page.getByText("The server has everything that was done here.")).toBeVisible();
  await expect.poll(async () => (await contents(imap, "Trash")).has(deleted)).toBe(true);
  const inbox = await contents(imap, "INBOX");
  expect(inbox.get(starred).flags.has("\\Flagged")).toBe(!before);
  expect(inbox.has(archived)).toBe(true);
  expect((await contents(imap, "Archive")).has(archived)).toBe(false);
});
