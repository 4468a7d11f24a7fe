// A device without room: bodies make some, and nothing that exists only here is lost by it.
import { bodyFrame, draftsKept, expect, inboxIsKept, kept, newAccount, imapClient, row, signIn, stored, test } from "./roost.mjs";

const bodies = (page) => stored(page, "bodies", "count");

/** Real quota errors: the browser lets the app have so many bytes more than it has now. */
async function room(page, account, bytes) {
  const client = await page.context().newCDPSession(page);
  const { origin } = new URL(account.url);
  const { usage } = await client.send("Storage.getUsageAndQuota", { origin });
  await client.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: Math.max(usage + bytes, 1) });
}

/** An account with long messages, all of them read here. */
async function withBodies(page) {
  const account = await newAccount("empty");
  const imap = await imapClient(account);
  for (let number = 1; number <= 24; number++) {
    // Nothing that compresses.
    const text = Array.from({ length: 2_000 }, () => Math.random().toString(36)).join("\r\n");
    await imap.append("INBOX", `From: x@example.org\r\nSubject: letter ${number}\r\n\r\n${text}\r\n`);
  }
  await signIn(page, account);
  await inboxIsKept(page);
  for (let number = 24; number >= 1; number--) {
    await row(page, new RegExp(`letter ${number}\\b`)).click();
    await expect(bodyFrame(page).locator("body")).not.toBeEmpty();
  }
  await expect.poll(() => bodies(page)).toBeGreaterThanOrEqual(24);
  await imap.logout();
  return account;
}

test.setTimeout(120_000);

test("what is typed on a full device is kept, and old bodies make room for it", async ({ page }) => {
  const account = await withBodies(page);
  const before = { bodies: await bodies(page), mail: await kept(page) };
  await page.context().setOffline(true);
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await page.getByRole("textbox", { name: "Subject" }).fill("On a full disk");
  // Chromium remembers for half a minute how much room there was, and its store may shrink meanwhile.
  let typed = 0;
  const type = async () => {
    typed += 1;
    await room(page, account, 0);
    await page.getByRole("textbox", { name: "Message text" }).fill(`typed where there is no room, ${typed} times`);
    return bodies(page);
  };
  await expect.poll(type, { timeout: 60_000, intervals: [1_000] }).toBeLessThan(before.bodies);
  await expect.poll(() => draftsKept(page)).toContain(`there is no room, ${typed} times`);
  expect(await kept(page)).toEqual(expect.arrayContaining(before.mail));
  await expect(page.getByText("There is no room left on this device")).toHaveCount(0);
});

test("when nothing is left to remove, that is said once, and all goes on from the network", async ({ page, account }) => {
  await signIn(page, account);
  await inboxIsKept(page);
  await room(page, account, -1_000_000_000);
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await page.getByRole("textbox", { name: "Subject" }).fill("On a full disk");
  const told = page.getByText("There is no room left on this device: what you write and change is lost if the browser closes");
  let typed = 0;
  const type = async () => {
    typed += 1;
    await page.getByRole("textbox", { name: "Message text" }).fill(`typed ${typed} times`);
    return told.count();
  };
  await expect.poll(type, { timeout: 60_000, intervals: [1_000] }).toBe(1);
  await type();
  await type();
  await expect(told).toHaveCount(1);
  // The server has it, and mail is read from there.
  await expect(page.getByRole("status", { name: "Draft" })).toHaveText("Saved in Drafts");
  expect(await bodies(page)).toBe(0);
  expect((await kept(page)).length).toBeGreaterThan(1);
  await row(page, /Welcome to Roost/).click();
  await expect(bodyFrame(page).locator("body")).toContainText("Welcome");
});
