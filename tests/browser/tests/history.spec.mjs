// Back and forward lead through what was looked at.
import { bodyFrame, expect, message, row, signIn, test } from "./roost.mjs";

test("back leads to the message that was open in another folder, then to its list; forward leads there again", async ({ page, person, account }) => {
  await signIn(page, account);
  const welcome = message(page).getByRole("heading", { name: "Welcome to Roost" });
  await row(page, /Welcome to Roost/).click();
  await expect(bodyFrame(page).getByText("This is the demo of Roost.")).toBeVisible();
  const [list, opened] = [account.url, page.url()];
  await person.openMailbox("Projects");
  await expect(page).toHaveURL(/Projects$/);
  for (let time = 0; time < 3; time++) {
    await page.goBack();
    await expect(welcome).toBeVisible();
    await expect(page).toHaveURL(opened);
    await page.goBack();
    await expect(page.getByText("Choose a message to read it here.")).toBeVisible();
    await expect(page).toHaveURL(`${list}/`);
    await page.goForward();
    await expect(welcome).toBeVisible();
    await page.goForward();
    await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
    await expect(page).toHaveURL(/Projects$/);
  }
});
