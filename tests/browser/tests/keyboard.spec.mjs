// By keyboard alone: signing in, reading, acting, writing, settings. Nothing is clicked.
import { bodyFrame, contents, expect, message, row, signIn, test } from "./roost.mjs";

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
  const folder = page.getByRole("button", { name: "New folder" });
  await tabTo(page, folder);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("textbox", { name: "Name" })).toBeFocused();
  await page.keyboard.type("Made by keyboard");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(folder).toBeFocused();
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

test("a menu has the focus while it is open, and gives it back", async ({ page, account, imap }) => {
  await signIn(page, account);
  await row(page, /Welcome to Roost/).click();
  const more = message(page).getByRole("button", { name: "More" });
  const menu = message(page).getByRole("menu", { name: "More" });
  const choice = (name) => menu.getByRole("menuitem", { name });
  await more.press("Enter");
  await expect(choice("Forward as attachment")).toBeFocused();
  for (const [key, name] of [
    ["ArrowDown", "Edit as new"], ["End", "Copy to folder"], ["ArrowDown", "Forward as attachment"], ["ArrowUp", "Copy to folder"], ["Home", "Forward as attachment"],
  ]) {
    await page.keyboard.press(key);
    await expect(choice(name)).toBeFocused();
  }
  // No key is a command meanwhile: on a choice, and after a click beside the choices.
  await page.keyboard.press("e");
  await menu.click({ position: { x: 3, y: 3 } });
  await page.keyboard.press("e");
  await page.keyboard.press("ArrowUp");
  await expect(choice("Copy to folder")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(menu).toHaveCount(0);
  await expect(more).toBeFocused();
  await expect(message(page).getByRole("heading", { name: "Welcome to Roost" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(choice("Forward as attachment")).toBeFocused();
  await page.keyboard.press("Shift+Tab");
  await expect(menu).toHaveCount(0);
  await expect(more).toBeFocused();
  // What a choice opened gives the focus back too.
  await page.keyboard.press("Enter");
  await expect(choice("Forward as attachment")).toBeFocused();
  await choice("Copy to folder").press("Enter");
  await expect(page.getByRole("dialog", { name: "Copy to" }).getByRole("textbox")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(more).toBeFocused();
  // What is pressed elsewhere closes it, in the text of the message too.
  for (const elsewhere of [page.getByRole("heading", { name: "Inbox", level: 1 }), bodyFrame(page).getByText("This is the demo of Roost.")]) {
    await more.click();
    await expect(menu).toBeVisible();
    await elsewhere.click({ position: { x: 5, y: 5 } });
    await expect(menu).toHaveCount(0);
  }
  // What changes elsewhere closes none.
  const mailboxes = page.getByRole("navigation", { name: "Mailboxes" });
  await mailboxes.getByRole("button", { name: "Projects", exact: true }).hover();
  await mailboxes.getByRole("button", { name: "Actions for Projects" }).click();
  // The list of mailboxes does not cut it off.
  await expect(mailboxes.getByRole("menuitem", { name: "Delete" })).toBeInViewport({ ratio: 1 });
  const subscription = mailboxes.getByRole("menuitem", { name: /subscribe/i });
  await expect(subscription).toHaveText("Subscribe");
  await imap.mailboxSubscribe("Projects");
  await expect(subscription).toHaveText("Unsubscribe");
});

test("keys do the same after a click into the text of a message", async ({ page, account }) => {
  await signIn(page, account);
  await row(page, /Welcome to Roost/).click();
  await bodyFrame(page).getByText("This is the demo of Roost.").click();
  await page.keyboard.press("s");
  await expect(message(page).getByRole("button", { name: "Remove star" })).toBeVisible();
  await page.keyboard.press("Shift+?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await bodyFrame(page).getByText("This is the demo of Roost.").click();
  await page.keyboard.press("Escape");
  await expect(page.getByText("Choose a message to read it here.")).toBeVisible();
});
