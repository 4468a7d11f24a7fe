// Signing out: mail stays on the device, seen by nobody before the same person is back, or is removed; with or without a line.
import AxeBuilder from "@axe-core/playwright";
import { appIsKept, askToSignOut, bodyFrame, contents, endWorkersWithPages, expect, inboxIsKept, kept, newAccount, row, saveData, signIn, signOut, stage, test } from "./roost.mjs";

const star = (page) => row(page, /Welcome to Roost/).getByRole("button", { name: "Star", exact: true });
const session = (page) => page.evaluate(() => fetch("/api/session").then((answer) => answer.status, () => 0));

test("what is kept waits for the same person, and so does what was done without a line", async ({ page, context, account, imap }) => {
  await endWorkersWithPages(context);
  await signIn(page, account);
  await appIsKept(page);
  await inboxIsKept(page);
  await stage({ do: "line", down: true });
  try {
    await star(page).click();
    const dialog = await askToSignOut(page);
    await expect(dialog).toContainText("1 change exists only on this device. Removing loses that.");
    await expect(dialog.getByLabel("Remove it")).toBeChecked();
    expect((await new AxeBuilder({ page }).include("dialog").analyze()).violations).toEqual([]);
    await dialog.getByLabel("Keep mail on this device").check();
    await dialog.getByRole("button", { name: "Sign out" }).click();
    await expect(page.getByLabel("Username")).toBeVisible();
    // Not after a new start either, and though the gateway has not heard of it.
    await page.reload();
    await expect(page.getByLabel("Username")).toBeVisible();
    await expect(row(page, /Welcome to Roost/)).toHaveCount(0);
    expect((await kept(page)).length).toBeGreaterThan(1);
  } finally {
    await stage({ do: "line", down: false });
  }
  // The gateway hears of it by itself.
  await expect.poll(() => session(page), { timeout: 30_000 }).toBe(401);
  await page.reload();
  await expect(page.getByLabel("Username")).toBeVisible();
  expect((await contents(imap, "INBOX")).get("Welcome to Roost").flags.has("\\Flagged")).toBe(false);
  await signIn(page, account);
  await expect.poll(async () => (await contents(imap, "INBOX")).get("Welcome to Roost").flags.has("\\Flagged")).toBe(true);
  await expect(row(page, /Welcome to Roost/).getByRole("button", { name: "Remove star" })).toBeVisible();
});

test("it is removed unless a person says otherwise, with what they were writing", async ({ page, account, imap }) => {
  await signIn(page, account);
  await appIsKept(page);
  await inboxIsKept(page);
  await stage({ do: "line", down: true });
  try {
    await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).first().click();
    await page.getByRole("textbox", { name: "Subject" }).fill("Never mind");
    await page.getByRole("textbox", { name: "Message text" }).fill("only here");
    await expect(page.getByRole("status", { name: "Draft" })).toHaveText("Kept on this device");
    const close = page.getByRole("button", { name: "Minimize" });
    if (await close.isVisible()) await close.click();
    const dialog = await askToSignOut(page);
    await expect(dialog).toContainText("1 message being written exists only on this device.");
    await page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
    await askToSignOut(page);
    // By keyboard: the choice has the focus.
    await expect(dialog.getByLabel("Remove it")).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.getByLabel("Username")).toBeVisible();
  } finally {
    await stage({ do: "line", down: false });
  }
  await expect.poll(() => kept(page), { timeout: 30_000 }).toEqual([]);
  expect(await session(page)).toBe(401);
  await signIn(page, account);
  await expect(page.getByRole("textbox", { name: "Subject" })).toHaveCount(0);
  expect([...(await contents(imap, "Drafts").catch(() => new Map())).keys()]).not.toContain("Never mind");
});

test("what was opened of a message is not in the browser's own cache afterwards", async ({ page }) => {
  const account = await newAccount("reading");
  await saveData(page);
  await signIn(page, account);
  const part = page.waitForResponse((answer) => answer.url().includes("/part?"));
  await row(page, /, nested,/).click();
  await expect(bodyFrame(page).getByAltText("inline")).toBeVisible();
  const url = (await part).url();
  const isThere = () =>
    page.evaluate((url) => fetch(url, { cache: "only-if-cached", mode: "same-origin" }).then((answer) => answer.ok, () => false), url);
  await expect.poll(isThere).toBe(true);
  // A cache answers only for the cookie of then.
  const cookies = await page.context().cookies();
  await page.context().clearCookies();
  await page.context().addCookies(cookies);
  expect(await isThere()).toBe(true);
  if (await page.getByRole("button", { name: "Back to the list" }).isVisible()) await page.getByRole("button", { name: "Back to the list" }).click();
  await signOut(page);
  await page.context().addCookies(cookies);
  await expect.poll(isThere).toBe(false);
});

test("without SharedWorker, signing out in one tab signs out the others", async ({ page, context, account }) => {
  await context.addInitScript(() => delete window.SharedWorker);
  await signIn(page, account);
  await inboxIsKept(page);
  const second = await context.newPage();
  await second.goto(account.url);
  await expect(row(second, /Welcome to Roost/)).toBeVisible();
  // On a slow line too, whoever sees the form is signed out, not only about to be: the worker ends with its page.
  await stage({ do: "line", delay_ms: 200 });
  try {
    await signOut(second, { keep: true });
  } finally {
    await stage({ do: "line", delay_ms: 0 });
  }
  expect(await session(second)).toBe(401);
  await expect(page.getByLabel("Username")).toBeVisible();
  await expect(page.getByRole("grid", { name: "Messages" })).toHaveCount(0);
  expect((await kept(page)).length).toBeGreaterThan(1);
  await page.reload();
  await expect(page.getByLabel("Username")).toBeVisible();
  await signIn(page, account);
  await signOut(page);
  await expect.poll(() => kept(page)).toEqual([]);
});
