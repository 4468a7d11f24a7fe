// What only a mouse does.
import { contents, expect, row, signIn, subjectOf, test } from "./roost.mjs";

test.use({ seed: "many:60" });

test("a message is dragged onto a folder, and that is undone", async ({ page, person, account, imap }) => {
  await signIn(page, account);
  const third = await subjectOf(page, 2);
  await row(page, third).dragTo(page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Trash/ }));
  await person.undoes("moved to Trash", () => expect.poll(async () => (await contents(imap, "Trash")).has(third)).toBe(true));
  await expect.poll(async () => (await contents(imap, "INBOX")).has(third)).toBe(true);
  await expect.poll(async () => (await contents(imap, "Trash")).has(third)).toBe(false);
});
