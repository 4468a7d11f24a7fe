// The browser as a device of its own: it starts from what it keeps, works without a line, and agrees with the server
// afterwards.
import { appIsKept, bodyFrame, contents, endWorkersWithPages, enter, expect, inboxIsKept, kept, message, row, signIn, signOut, stage, test } from "./roost.mjs";

test("without a line the inbox is there, messages open, and what is done is done later", async ({ page, context, account, imap }) => {
  await endWorkersWithPages(context);
  await signIn(page, account);
  await row(page, /Welcome to Roost/).click();
  await expect(bodyFrame(page).locator("body")).toContainText("Welcome");
  // It counts as read, and the server knows.
  await expect(message(page).getByRole("button", { name: "Mark as unread" })).toBeVisible();
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText("Live");
  await appIsKept(page);
  await inboxIsKept(page);
  // That it was read is no change that waits.
  await expect.poll(async () => (await contents(imap, "INBOX")).get("Welcome to Roost").flags.has("\\Seen")).toBe(true);
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText("Live");
  await stage({ do: "line", down: true });
  try {
    await page.reload();
    await expect(row(page, /Welcome to Roost/)).toBeVisible();
    await expect(page.getByRole("status", { name: "Connection" })).not.toHaveText(/Live/);
    await row(page, /Welcome to Roost/).click();
    await expect(bodyFrame(page).locator("body")).toContainText("Welcome");
    await page.keyboard.press("s");
    const starred = message(page).getByRole("button", { name: "Remove star" });
    await expect(starred).toBeVisible();
    // It outlives the page too.
    await page.reload();
    await row(page, /Welcome to Roost/).click();
    await expect(starred).toBeVisible();
    await expect(page.getByRole("status", { name: "Connection" })).toContainText("1 change");
  } finally {
    await stage({ do: "line", down: false });
  }
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText(/Live/, { timeout: 45_000 });
  await expect.poll(async () => (await contents(imap, "INBOX")).get("Welcome to Roost")?.flags.has("\\Flagged")).toBe(true);
});

test("without a line, a page that is loaded anew again and again has its inbox each time", async ({ page, context, account }) => {
  await endWorkersWithPages(context);
  await signIn(page, account);
  await appIsKept(page);
  await inboxIsKept(page);
  await stage({ do: "line", down: true });
  try {
    for (let time = 0; time < 12; time++) {
      await page.reload();
      // The worker of the page before may not have ended yet.
      await expect(row(page, /Welcome to Roost/), `time ${time}`).toBeVisible();
    }
  } finally {
    await stage({ do: "line", down: false });
  }
});

test("a page that is loaded anew finds its worker with all that it has, though nothing is kept", async ({ page, account }) => {
  await page.goto(account.url);
  await enter(page, account, { shared: true });
  await row(page, /Welcome to Roost/).click();
  await expect(bodyFrame(page).locator("body")).toContainText("Welcome");
  await appIsKept(page);
  await stage({ do: "line", down: true });
  try {
    await page.reload();
    await row(page, /Welcome to Roost/).click();
    await expect(bodyFrame(page).locator("body")).toContainText("Welcome");
    expect(await kept(page)).toEqual([]);
  } finally {
    await stage({ do: "line", down: false });
  }
});

test("what another device did meanwhile shows after the start from what was kept", async ({ page, context, account, imap }) => {
  await endWorkersWithPages(context);
  await signIn(page, account);
  await inboxIsKept(page);
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
  const list = page.getByRole("grid", { name: "Messages" });
  const count = await list.getAttribute("aria-rowcount");
  await page.goto("about:blank");
  const lock = await imap.getMailboxLock("INBOX");
  const [welcome] = await imap.search({ subject: "Welcome to Roost" }, { uid: true });
  await imap.messageDelete(String(welcome), { uid: true });
  await imap.append("INBOX", "From: x@example.org\r\nSubject: while away\r\n\r\nHello\r\n");
  lock.release();
  await page.goto(account.url);
  await expect(row(page, /while away/)).toBeVisible();
  await expect(row(page, /Welcome to Roost/)).toHaveCount(0);
  await expect(list).toHaveAttribute("aria-rowcount", count);
});

test("signing out leaves no mail behind, nor does a shared computer keep any", async ({ page, account }) => {
  await signIn(page, account);
  await inboxIsKept(page);
  await signOut(page);
  await expect.poll(() => kept(page)).toEqual([]);

  await enter(page, account, { shared: true });
  await row(page, /Welcome to Roost/).click();
  await expect(bodyFrame(page).locator("body")).toContainText("Welcome");
  await page.reload();
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
  expect(await kept(page)).toEqual([]);
  // There is nothing to ask about, once the server knows that the message was read.
  await expect(message(page).getByRole("button", { name: "Mark as unread" })).toBeVisible();
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText("Live");
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Username")).toBeVisible();
  await expect.poll(() => kept(page)).toEqual([]);
});
