import { contents, expect, imapClient, message, newAccount, row, signIn, stage, test } from "./roost.mjs";

test.use({ seed: "many:3" });

const field = (page, name) => page.getByRole("combobox", { name, exact: true });
const text = (page) => page.getByRole("textbox", { name: "Message text" });
const composer = (page) => page.getByRole("dialog").filter({ has: text(page) });
const address = (account) => `${account.name}@roost.test`;
const subject = (page) => page.getByRole("textbox", { name: "Subject" });

async function write(page, to, about, words) {
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await expect(text(page)).toBeVisible();
  await field(page, "To").fill(`${to},`);
  await subject(page).fill(about);
  await text(page).fill(words);
}

async function openMailbox(page, name) {
  const menu = page.getByRole("button", { name: "Show mailboxes" });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name }).click();
}

/** A time as the field takes it. */
function localTime(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

test.beforeEach(async ({ page }) => {
  await page.addInitScript(() => localStorage.setItem("roost.prefs", "hold=0\n"));
});

test("a message is sent later, taken back, and sent at once", async ({ page, account, imap }) => {
  const friend = await newAccount("many:3");
  const friends = await imapClient(friend);
  await signIn(page, account);
  await write(page, address(friend), "Happy birthday", "All the best!");
  await composer(page).getByRole("button", { name: "Send later and more" }).click();
  // What that means is said before it is chosen.
  await expect(composer(page).getByText("If you sign out, or Roost is restarted")).toBeVisible();
  // A time that has passed is not taken.
  await composer(page).getByLabel("Another time").fill("2020-01-01T10:00");
  await composer(page).getByRole("button", { name: "Schedule", exact: true }).click();
  await expect(composer(page)).toBeVisible();
  await composer(page).getByLabel("Another time").fill(localTime(new Date(Date.now() + 3 * 86_400_000)));
  await composer(page).getByRole("button", { name: "Schedule", exact: true }).click();
  await expect(page.getByText("Scheduled", { exact: true }).last()).toBeVisible();
  await expect(composer(page)).toHaveCount(0);
  // Another client sees it, with its time.
  await expect.poll(async () => [...(await contents(imap, "Scheduled")).keys()]).toEqual(["Happy birthday"]);
  await openMailbox(page, /^Scheduled/);
  await row(page, "Happy birthday").click();
  await expect(message(page).getByText(/It will be sent on /)).toBeVisible();
  await message(page).getByRole("button", { name: "Cancel and edit" }).click();
  await expect(text(page)).toHaveValue(/All the best!/);
  expect((await contents(imap, "Scheduled")).size).toBe(0);
  await text(page).fill("All the very best!");
  await composer(page).getByRole("button", { name: "Send later and more" }).click();
  await composer(page).getByRole("button", { name: /^In one hour/ }).click();
  await expect(composer(page)).toHaveCount(0);
  await row(page, "Happy birthday").click();
  await message(page).getByRole("button", { name: "Send now" }).click();
  await expect.poll(async () => (await contents(friends, "INBOX")).has("Happy birthday"), { timeout: 20_000 }).toBe(true);
  await expect.poll(async () => (await contents(imap, "Sent")).has("Happy birthday")).toBe(true);
  await expect.poll(async () => (await contents(imap, "Scheduled")).size).toBe(0);
  await expect.poll(async () => (await contents(imap, "Drafts")).size).toBe(0);
  await friends.logout();
});

test("a template is kept, and messages begin from it", async ({ page, account, imap }) => {
  await signIn(page, account);
  await write(page, address(account), "Monthly report", "Dear all,\nhere are the figures.");
  await composer(page).getByRole("button", { name: "Send later and more" }).click();
  await composer(page).getByRole("button", { name: "Save as template" }).click();
  await expect(page.getByText("Saved as a template")).toBeVisible();
  await composer(page).getByRole("button", { name: "Discard draft" }).click();
  await openMailbox(page, /^Templates/);
  await row(page, "Monthly report").click();
  await expect(text(page)).toHaveValue(/here are the figures/);
  await expect(subject(page)).toHaveValue("Monthly report");
  await text(page).fill("Dear all,\n42.");
  await composer(page).getByRole("button", { name: "Send", exact: true }).click();
  await expect.poll(async () => (await contents(imap, "Sent")).has("Monthly report"), { timeout: 20_000 }).toBe(true);
  // It stays for the next time.
  expect([...(await contents(imap, "Templates")).keys()]).toEqual(["Monthly report"]);
});

test("a template goes into the message that is written, where the cursor is", async ({ page, account, imap }) => {
  await signIn(page, account);
  await write(page, address(account), "House rules", "No shoes.");
  await page.getByLabel("Attach files").setInputFiles([{ name: "rules.txt", mimeType: "text/plain", buffer: Buffer.from("1. No shoes\n") }]);
  await expect(composer(page).getByRole("button", { name: "Remove rules.txt" })).toBeVisible();
  await expect(page.getByRole("status", { name: "Draft" })).toHaveText("Saved in Drafts");
  await composer(page).getByRole("button", { name: "Send later and more" }).click();
  await composer(page).getByRole("button", { name: "Save as template" }).click();
  await expect(page.getByText("Saved as a template")).toBeVisible();
  await composer(page).getByRole("button", { name: "Discard draft" }).click();
  await expect(composer(page)).toHaveCount(0);
  // Into what stands there, without formatting.
  await write(page, address(account), "", "Welcome! See you.");
  await text(page).focus();
  for (let step = 0; step < 8; step += 1) await page.keyboard.press("ArrowLeft");
  const menu = composer(page).getByRole("button", { name: "Send later and more" });
  await menu.click();
  await composer(page).getByRole("group", { name: "Insert template" }).getByRole("button", { name: "House rules" }).click();
  await expect(text(page)).toHaveValue("Welcome! No shoes.See you.");
  await expect(subject(page)).toHaveValue("House rules");
  await expect(composer(page).getByRole("button", { name: "Remove rules.txt" })).toBeVisible();
  await expect(composer(page).getByRole("list", { name: "To recipients" }).getByRole("listitem")).toHaveCount(1);
  await composer(page).getByRole("button", { name: "Send", exact: true }).click();
  await expect(composer(page)).toHaveCount(0);
  await expect.poll(async () => (await contents(imap, "INBOX")).has("House rules"), { timeout: 20_000 }).toBe(true);
  const lock = await imap.getMailboxLock("INBOX");
  const { source } = await imap.fetchOne("*", { source: true });
  lock.release();
  expect(source.toString()).toContain("Welcome! No shoes.See you.");
  expect(source.toString()).toMatch(/filename="?rules\.txt/);
  // And with formatting.
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await composer(page).getByRole("button", { name: "Formatting" }).click();
  const form = page.getByRole("dialog", { name: "New message" });
  const editor = form.frameLocator('iframe[title="Message editor"]').getByRole("textbox", { name: "Message text" });
  await editor.pressSequentially("Dear guest, ");
  await form.getByRole("button", { name: "Send later and more" }).click();
  await form.getByRole("group", { name: "Insert template" }).getByRole("button", { name: "House rules" }).click();
  const filled = page.getByRole("dialog", { name: "House rules" });
  await expect(filled.frameLocator('iframe[title="Message editor"]').getByRole("textbox", { name: "Message text" })).toContainText("Dear guest, No shoes.");
});

test("a receipt is sent when the person says so, and asked for once", async ({ page, account, imap }) => {
  const friend = await newAccount("many:3");
  const asks = (about) =>
    `From: ${address(friend)}\r\nTo: ${address(account)}\r\nSubject: ${about}\r\nMessage-ID: <${Date.now()}.${about}@roost.test>\r\n` +
    `Disposition-Notification-To: ${address(friend)}\r\n\r\nPlease tell me.\r\n`;
  await signIn(page, account);
  await imap.append("INBOX", asks("first"), []);
  await imap.append("INBOX", asks("second"), []);
  // What arrives moves the rows: nobody clicks meanwhile.
  for (const about of ["first", "second"]) await expect(row(page, about)).toBeVisible();
  const banner = message(page).getByText("asks to be told that you have seen this message");
  await row(page, "first").click();
  await expect(banner).toBeVisible();
  await message(page).getByRole("button", { name: "Send receipt" }).click();
  await expect(banner).toBeHidden();
  await expect(page.getByText("Receipt sent")).toBeVisible();
  const back = message(page).getByRole("button", { name: "Back to the list" });
  if (await back.isVisible()) await back.click();
  await row(page, "second").click();
  await expect(banner).toBeVisible();
  await message(page).getByRole("button", { name: "Ignore" }).click();
  await expect(banner).toBeHidden();
  await expect.poll(async () => {
    const inbox = await contents(imap, "INBOX");
    return ["first", "second"].map((about) => inbox.get(about).flags.has("$MDNSent"));
  }).toEqual([true, true]);
  const friends = await imapClient(friend);
  await expect.poll(async () => (await contents(friends, "INBOX")).has("Read: first"), { timeout: 20_000 }).toBe(true);
  expect((await contents(friends, "INBOX")).has("Read: second")).toBe(false);
  await friends.logout();
});

test("a message that cannot be sent yet is shown and can be stopped", async ({ page, account, imap }) => {
  await signIn(page, account);
  await stage({ do: "postfix-stop" });
  try {
    await write(page, address(account), "Impatient", "Now!");
    await composer(page).getByRole("button", { name: "Send", exact: true }).click();
    await page.getByRole("status", { name: "Connection" }).getByRole("button", { name: "1 change waiting" }).click();
    const waiting = page.getByRole("list", { name: "Changes not on the server yet" });
    // It is held for a while first.
    await expect(waiting).toContainText("Not sent yet", { timeout: 30_000 });
    await waiting.getByRole("button", { name: "Cancel: Send “Impatient”" }).click();
    await expect(text(page)).toHaveValue("Now!");
    await expect(page.getByRole("dialog", { name: "Changes not on the server yet" })).toBeHidden();
  } finally {
    await stage({ do: "postfix-start" });
  }
  await composer(page).getByRole("button", { name: "Send", exact: true }).click();
  await expect.poll(async () => (await contents(imap, "Sent")).has("Impatient"), { timeout: 20_000 }).toBe(true);
});
