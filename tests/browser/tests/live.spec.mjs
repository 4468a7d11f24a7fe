// Two browser contexts and one plain IMAP client are three devices on one account.
import { appIsKept, contents, enter, expect, imapClient, row, rows, signIn, stage, subjectOf, test } from "./roost.mjs";

test.use({ seed: "many:40" });

const NEW = "From: Someone New <new@example.org>\r\nTo: a@roost.test\r\nSubject: fresh from the press\r\n\r\nHello\r\n";

test("what one device does shows on the others", async ({ page, browser, account, imap }) => {
  const other = await (await browser.newContext()).newPage();
  await signIn(page, account);
  await signIn(other, account);
  const both = [page, other];

  await imap.append("INBOX", NEW);
  for (const device of both) await expect(row(device, /Unread, Someone New, fresh from the press/)).toBeVisible();
  await expect(page).toHaveTitle(/^\(\d+\) Inbox/);

  await row(page, /fresh from the press/).hover();
  await row(page, /fresh from the press/).getByRole("button", { name: "Star" }).click();
  await expect(row(other, /starred, Someone New/)).toBeVisible();

  const lock = await imap.getMailboxLock("INBOX");
  const [uid] = await imap.search({ subject: "fresh from the press" }, { uid: true });
  await imap.messageFlagsAdd(`${uid}`, ["\\Seen"], { uid: true });
  for (const device of both) await expect(row(device, /^starred, Someone New/)).toBeVisible();

  await imap.messageMove(`${uid}`, "Archive", { uid: true });
  for (const device of both) await expect(row(device, /fresh from the press/)).toHaveCount(0);

  await imap.messageDelete("1:*", { uid: false });
  lock.release();
  for (const device of both) await expect(device.getByRole("heading", { name: "Nothing here" })).toBeVisible();

  await imap.mailboxCreate("Somewhere");
  for (const device of both) {
    await expect(device.getByRole("navigation").getByRole("button", { name: "Somewhere", exact: true })).toBeVisible();
  }
  await imap.mailboxRename("Somewhere", "Elsewhere");
  for (const device of both) {
    await expect(device.getByRole("navigation").getByRole("button", { name: "Elsewhere", exact: true })).toBeVisible();
    await expect(device.getByRole("navigation").getByRole("button", { name: "Somewhere", exact: true })).toHaveCount(0);
  }
});

test("a cut line is told, reconnects by itself and catches up", async ({ page, account, imap }) => {
  await signIn(page, account);
  // All of the app is here.
  await appIsKept(page);
  await stage({ do: "line", down: true });
  try {
    await expect(page.getByRole("status", { name: "Connection" })).toHaveText(/Connecting|Offline/);
    // What is done meanwhile shows at once and waits.
    const first = await subjectOf(page, 0);
    await page.keyboard.press("j");
    await page.keyboard.press("e");
    await expect(row(page, first)).toHaveCount(0);
    await expect(page.getByRole("status", { name: "Connection" })).toHaveText(/1 change waiting/);
    await imap.append("INBOX", NEW);
  } finally {
    await stage({ do: "line", down: false });
  }
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText("Live", { timeout: 40_000 });
  await expect(row(page, /fresh from the press/)).toBeVisible();
  const lock = await imap.getMailboxLock("Archive");
  await expect.poll(() => imap.status("Archive", { messages: true }).then((s) => s.messages)).toBe(1);
  lock.release();
});

test("a mail server that goes away is told, and comes back; what was done meanwhile is done", async ({ page, account }) => {
  await signIn(page, account);
  const first = await subjectOf(page, 0);
  const line = page.getByRole("status", { name: "Connection" });
  await stage({ do: "imap-stop" });
  try {
    await expect(line).toHaveText(/Mail server unreachable/, { timeout: 20_000 });
    await row(page, first).getByRole("checkbox").click();
    await page.keyboard.press("e");
    await expect(row(page, first)).toHaveCount(0);
  } finally {
    await stage({ do: "imap-start" });
  }
  await expect(line).toHaveText("Live", { timeout: 40_000 });
  const imap = await imapClient(account);
  await expect.poll(async () => (await contents(imap, "Archive")).has(first)).toBe(true);
  await expect(page.getByText("was not done")).toHaveCount(0);
  await expect(row(page, first)).toHaveCount(0);
  await imap.logout();
});

test("a restarted gateway asks for the password again and keeps the place", async ({ page, account }) => {
  await signIn(page, account);
  await rows(page).nth(2).click();
  await expect(page).toHaveURL(/\/m\/INBOX\/\d+$/);
  const address = page.url();
  await stage({ do: "gateway-restart" });
  await expect(page.getByLabel("Password")).toBeVisible({ timeout: 40_000 });
  await enter(page, account);
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText("Live");
  await expect(page).toHaveURL(address);
});
