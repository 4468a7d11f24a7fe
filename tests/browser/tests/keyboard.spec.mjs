// By keyboard alone: signing in, reading, acting, writing, settings. Nothing is clicked.
import { bodyFrame, contents, expect, row, test } from "./roost.mjs";

/** Presses Tab until the element with the focus is the one that is wanted. */
async function tabTo(page, locator) {
  for (let steps = 0; steps < 80; steps++) {
    if (await locator.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the focus never came to ${locator}`);
}

test("everything works by keyboard alone", async ({ page, account, imap }) => {
  await page.addInitScript(() => localStorage.setItem("roost.prefs", "hold=0\n"));
  await page.goto(account.url);
  await tabTo(page, page.getByLabel("Username"));
  await page.keyboard.type(account.name);
  await page.keyboard.press("Tab");
  await page.keyboard.type(account.password);
  await page.keyboard.press("Enter");
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await expect(bodyFrame(page).getByText("This is the demo of Roost.")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByText("Choose a message to read it here.")).toBeVisible();
  // The navigation, by Tab.
  await tabTo(page, page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: "Projects", exact: true }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Projects" })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
  // With Shift, which is a key of its own.
  await page.keyboard.press("g");
  await page.keyboard.press("Shift+#");
  await expect(page.getByRole("heading", { name: "Trash" })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
  // A dialog keeps the focus inside and gives it back.
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  // A message is written from its first field to its end.
  await page.keyboard.press("c");
  await expect(page.getByRole("combobox", { name: "To", exact: true })).toBeFocused();
  await page.keyboard.type(`${account.name}@roost.test`);
  await tabTo(page, page.getByRole("textbox", { name: "Subject" }));
  await page.keyboard.type("By keyboard");
  await tabTo(page, page.getByRole("textbox", { name: "Message text" }));
  await page.keyboard.type("No mouse was moved.");
  await page.keyboard.press("Control+Enter");
  await expect.poll(async () => (await contents(imap, "Sent")).has("By keyboard")).toBe(true);
});
