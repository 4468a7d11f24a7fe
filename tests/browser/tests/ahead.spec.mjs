// What comes to the device before anybody asks for it.
import { appIsKept, bodyFrame, endWorkersWithPages, expect, kept, newAccount, row, rows, saveData, signIn, stage, stored, subjectOf, test } from "./roost.mjs";

test("without a line the newest message opens though it never was, and there are rows beyond the first page", async ({ page, context }) => {
  await endWorkersWithPages(context);
  const account = await newAccount("many:1000");
  await signIn(page, account);
  await expect(rows(page).first()).toBeVisible();
  await appIsKept(page);
  await page.getByRole("button", { name: "Settings" }).click();
  const far = page.getByRole("status", { name: "Mail on this device" });
  await expect(far).toHaveText("All of them are here.", { timeout: 30_000 });
  await page.keyboard.press("Escape");
  // Four pages of 256 messages, and what is known of the mailbox.
  await expect.poll(async () => (await kept(page)).filter((key) => key.includes("INBOX")).length).toBeGreaterThanOrEqual(5);
  await expect.poll(() => stored(page, "bodies", "count")).toBeGreaterThanOrEqual(40);
  await stage({ do: "line", down: true });
  try {
    await page.reload();
    await subjectOf(page, 0);
    await rows(page).first().click();
    await expect(bodyFrame(page).locator("body")).toContainText(/number \d+/);
    const list = page.getByRole("grid", { name: "Messages" });
    await list.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
    await expect(row(page, / 500\b/)).toBeVisible();
    await page.getByRole("searchbox", { name: "Search this folder" }).fill("subject:7");
    await expect(page.getByRole("status", { name: "Search" })).toContainText("(1000 of this folder)");
  } finally {
    await stage({ do: "line", down: false });
  }
});

test("on a line that costs, nothing is fetched ahead unless the person says so", async ({ page }) => {
  const account = await newAccount("many:1000");
  await saveData(page);
  await signIn(page, account);
  await expect(rows(page).first()).toBeVisible();
  await page.getByRole("button", { name: "Settings" }).click();
  // Long enough for it to have begun.
  await page.waitForTimeout(2_000);
  const pages = async () => (await kept(page)).filter((key) => key.includes("INBOX")).length;
  expect(await pages()).toBeLessThan(4);
  await page.getByLabel("Also on mobile networks and when saving data").check();
  await expect(page.getByRole("status", { name: "Mail on this device" })).toHaveText("All of them are here.", { timeout: 30_000 });
  await expect.poll(pages).toBeGreaterThanOrEqual(5);
});
