import { contents, expect, message, row, rows, signIn, test } from "./roost.mjs";

test.use({ seed: "many:60" });

/** The subject of the nth row. */
async function subject(page, index) {
  return (await rows(page).nth(index).locator(".subject").textContent()).trim();
}

async function undo(page) {
  await page.getByRole("button", { name: "Undo" }).last().click();
}

for (const [name, key, mailbox] of [
  ["archived", "e", "Archive"],
  ["deleted", "#", "Trash"],
  ["marked as junk", "!", "Junk"],
]) {
  test(`a message is ${name} by key, and that is undone`, async ({ page, account, imap }) => {
    await signIn(page, account);
    const first = await subject(page, 0);
    await page.keyboard.press("j");
    await page.keyboard.press(key);
    await expect(row(page, first)).toHaveCount(0);
    await expect.poll(async () => (await contents(imap, mailbox)).has(first)).toBe(true);
    expect((await contents(imap, "INBOX")).has(first)).toBe(false);
    if (key === "!") expect((await contents(imap, mailbox)).get(first).flags.has("$Junk")).toBe(true);
    await undo(page);
    await expect(row(page, first)).toBeVisible();
    await expect.poll(async () => (await contents(imap, "INBOX")).has(first)).toBe(true);
    expect((await contents(imap, mailbox)).has(first)).toBe(false);
  });
}

test("star and read are set and undone", async ({ page, account, imap }) => {
  await signIn(page, account);
  const first = await subject(page, 3);
  const flags = async () => (await contents(imap, "INBOX")).get(first).flags;
  await page.keyboard.press("j");
  for (let i = 0; i < 3; i++) await page.keyboard.press("j");
  const starred = (await flags()).has("\\Flagged");
  await page.keyboard.press("s");
  await expect.poll(async () => (await flags()).has("\\Flagged")).toBe(!starred);
  await undo(page);
  await expect.poll(async () => (await flags()).has("\\Flagged")).toBe(starred);
  const seen = (await flags()).has("\\Seen");
  await page.keyboard.press("u");
  await expect.poll(async () => (await flags()).has("\\Seen")).toBe(!seen);
  await undo(page);
  await expect.poll(async () => (await flags()).has("\\Seen")).toBe(seen);
});

test("a message that was shown is read; marked as unread it stays so", async ({ page, account, imap }) => {
  await signIn(page, account);
  await page.getByRole("button", { name: "Unread", exact: true }).click();
  await expect(rows(page).first()).toHaveAccessibleName(/^Unread/);
  const first = await subject(page, 0);
  await rows(page).first().click();
  const seen = async () => (await contents(imap, "INBOX")).get(first).flags.has("\\Seen");
  await expect.poll(seen).toBe(true);
  await message(page).getByRole("button", { name: "Mark as unread" }).click();
  await expect.poll(seen).toBe(false);
  await expect(message(page).getByRole("button", { name: "Mark as read" })).toBeVisible();
});

test("moving to a folder by name, copying, and dragging", async ({ page, account, imap }) => {
  await signIn(page, account);
  const [first, second, third] = [await subject(page, 0), await subject(page, 1), await subject(page, 2)];
  await page.keyboard.press("j");
  await page.keyboard.press("v");
  await page.getByRole("textbox", { name: "Folder" }).fill("arch");
  await page.keyboard.press("Enter");
  await expect.poll(async () => (await contents(imap, "Archive")).has(first)).toBe(true);
  await row(page, second).click();
  await message(page).getByRole("button", { name: "More" }).click();
  await page.getByRole("menuitem", { name: "Copy to folder" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Archive" }).click();
  await expect.poll(async () => (await contents(imap, "Archive")).has(second)).toBe(true);
  expect((await contents(imap, "INBOX")).has(second)).toBe(true);
  await row(page, third).dragTo(page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Trash/ }));
  await expect.poll(async () => (await contents(imap, "Trash")).has(third)).toBe(true);
});

test("many at once: shift, ctrl, all; deleting for good asks", async ({ page, account, imap }) => {
  await signIn(page, account);
  await rows(page).nth(1).getByRole("checkbox").click({ force: true });
  await rows(page).nth(4).click({ modifiers: ["Shift"] });
  await expect(page.getByText("4 selected")).toBeVisible();
  await rows(page).nth(6).click({ modifiers: ["Control"] });
  await expect(page.getByText("5 selected")).toBeVisible();
  await page.getByRole("button", { name: "Delete", exact: true }).first().click();
  await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(5);
  await page.keyboard.press("Control+a");
  await expect(page.getByText("55 selected")).toBeVisible();
  await page.getByRole("toolbar", { name: "Selected messages" }).getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "Nothing here" })).toBeVisible();
  await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(60);
  expect((await contents(imap, "INBOX")).size).toBe(0);
  await page.keyboard.press("g");
  await page.keyboard.press("#");
  await expect(rows(page).first()).toBeVisible();
  await page.getByRole("button", { name: "Empty" }).click();
  await expect(page.getByText("60 messages are deleted for good. This cannot be undone.")).toBeVisible();
  await page.getByRole("button", { name: "Delete for good" }).click();
  await expect.poll(async () => (await contents(imap, "Trash")).size).toBe(0);
});

test("folders are created, renamed and deleted", async ({ page, account, imap }) => {
  await signIn(page, account);
  const navigation = page.getByRole("navigation", { name: "Mailboxes" });
  await page.getByRole("button", { name: "New folder" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Reisen & Pläne");
  await page.keyboard.press("Enter");
  await expect(navigation.getByRole("button", { name: "Reisen & Pläne", exact: true })).toBeVisible();
  const names = async () => (await imap.list()).map((one) => one.path);
  expect(await names()).toContain("Reisen & Pläne");
  await navigation.getByRole("button", { name: "Reisen & Pläne", exact: true }).hover();
  await navigation.getByRole("button", { name: "Actions for Reisen & Pläne" }).click();
  await page.getByRole("menuitem", { name: "Rename" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("旅行");
  await page.keyboard.press("Enter");
  await expect(navigation.getByRole("button", { name: "旅行", exact: true })).toBeVisible();
  await expect.poll(names).toContain("旅行");
  await navigation.getByRole("button", { name: "旅行", exact: true }).hover();
  await navigation.getByRole("button", { name: "Actions for 旅行" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete folder" }).click();
  await expect(navigation.getByRole("button", { name: "旅行", exact: true })).toHaveCount(0);
  expect(await names()).not.toContain("旅行");
});

test("search and filters narrow the list while the mailbox stays put", async ({ page, account }) => {
  await signIn(page, account);
  await page.keyboard.press("/");
  await page.keyboard.type("\"number 7.\"");
  await page.keyboard.press("Enter");
  await expect(rows(page)).toHaveCount(1);
  await page.getByRole("button", { name: "Clear search" }).click();
  await expect(page.getByText("60 messages")).toBeVisible();
  await page.getByRole("button", { name: "Starred", exact: true }).click();
  await expect(page.getByText("4 messages")).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type("nothing has this text");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
});
