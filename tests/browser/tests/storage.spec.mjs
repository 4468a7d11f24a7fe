// What this device keeps: the browser is asked not to throw it away, and a person can remove it.
import { enter, expect, inboxIsKept, kept, row, signIn, test } from "./roost.mjs";

const count = () => {
  window.persistCalls = 0;
  navigator.storage.persist = async () => {
    window.persistCalls += 1;
    return true;
  };
};
const calls = (page) => page.evaluate(() => window.persistCalls);
const write = async (page, text) => {
  await page.getByRole("button", { name: "Compose" }).click();
  await page.getByRole("textbox", { name: "Message text" }).fill(text);
};

test("the browser is asked to keep what is here once something is written, and never on a shared computer", async ({ page, account }) => {
  await page.addInitScript(count);
  await signIn(page, account);
  await inboxIsKept(page);
  expect(await calls(page)).toBe(0);
  await write(page, "something that exists only here");
  await expect.poll(() => calls(page)).toBe(1);
  await page.getByRole("textbox", { name: "Message text" }).fill("and more of it");
  await expect(page.getByText("Saved", { exact: false }).first()).toBeVisible();
  expect(await calls(page)).toBe(1);
});

test("nothing is asked on a shared computer", async ({ page, account }) => {
  await page.addInitScript(count);
  await page.goto(account.url);
  await enter(page, account, { shared: true });
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
  await write(page, "something");
  await expect(page.getByText("Saved", { exact: false }).first()).toBeVisible();
  expect(await calls(page)).toBe(0);
});

test("mail on this device can be removed, and does not come again", async ({ page, account }) => {
  await signIn(page, account);
  await inboxIsKept(page);
  const pages = async () => (await kept(page)).filter((key) => /\0\d+\0\d+$/.test(key)).length;
  await expect.poll(pages).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(page.getByText(/Roost takes .* on this device/)).toBeVisible();
  await expect(page.getByRole("status", { name: "Mail on this device" })).toHaveText("All of them are here.", { timeout: 30_000 });
  await page.getByRole("button", { name: "Remove all mail kept on this device" }).click();
  await expect(page.getByRole("status", { name: "Removed" })).toContainText("Messages you are writing");
  await expect.poll(pages).toBe(0);
  await expect(page.getByLabel("Of each other folder")).toHaveValue("0");
  // It stays so.
  await page.waitForTimeout(1_500);
  expect(await pages()).toBe(0);
  await page.keyboard.press("Escape");
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
});
