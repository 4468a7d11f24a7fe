// Every screen, wide and phone-sized, light and dark: no serious accessibility problem, and a picture to look at.
import AxeBuilder from "@axe-core/playwright";
import { bodyFrame, expect, row, signIn, test } from "./roost.mjs";

async function check(page, name, info) {
  await page.screenshot({ path: info.outputPath(`${name}.png`) });
  // The mail frame holds what others wrote; its own page is the app's.
  const found = await new AxeBuilder({ page }).exclude("iframe").analyze();
  const bad = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  expect(bad.map((one) => `${name}: ${one.id}: ${one.nodes.map((n) => n.html.slice(0, 200)).join(" | ")}`)).toEqual([]);
}

for (const colorScheme of ["light", "dark"]) {
  test(`no serious issue on any screen, ${colorScheme}`, async ({ page, account, isMobile }, info) => {
    test.setTimeout(120_000);
    await page.emulateMedia({ colorScheme });
    await page.goto(account.url);
    await expect(page.getByLabel("Username")).toBeVisible();
    await check(page, "sign-in", info);
    await page.getByLabel("Username").fill("nobody");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.getByRole("alert")).toHaveText(/not right/);
    await check(page, "sign-in-wrong", info);
    await signIn(page, account);
    await expect(row(page, /Welcome to Roost/)).toBeVisible();
    await check(page, "list", info);
    for (const [subject, text, name] of [
      [/Why lighthouses blink/, "The Slow Letter", "newsletter"],
      [/Contract and plans/, "the signed contract", "attachments"],
      [/Tulips on Saturday/, "Saturday", "plain"],
    ]) {
      await row(page, subject).click();
      await expect(bodyFrame(page).getByText(text).first()).toBeVisible();
      await check(page, name, info);
      if (isMobile) await page.getByRole("button", { name: "Back to the list" }).click();
    }
    await page.keyboard.press("c");
    await expect(page.getByRole("textbox", { name: "Message text" })).toBeVisible();
    await check(page, "compose", info);
    await page.getByRole("combobox", { name: "To", exact: true }).fill("nonsense, Ada <ada@example.org>,");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect(page.getByText("One of the addresses")).toBeVisible();
    await check(page, "compose-wrong", info);
    await page.getByRole("button", { name: "Discard draft" }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
    await page.keyboard.press("?");
    await expect(page.getByRole("dialog")).toBeVisible();
    await check(page, "help", info);
    await page.keyboard.press("Escape");
    if (isMobile) await page.getByRole("button", { name: "Show mailboxes" }).click();
    await check(page, "mailboxes", info);
    await page.getByRole("button", { name: "Settings" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await check(page, "settings", info);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "New folder" }).click();
    await check(page, "new-folder", info);
    await page.keyboard.press("Escape");
    await page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Drafts/ }).click();
    await expect(page.getByRole("heading", { name: "Nothing here" })).toBeVisible();
    await check(page, "empty", info);
  });
}
