import { bodyFrame, expect, message, row, signIn, test } from "./roost.mjs";

test.use({ seed: "reading" });

async function open(page, subject) {
  await row(page, subject).click();
}

async function back(page, isMobile) {
  if (isMobile) await page.getByRole("button", { name: "Back to the list" }).click();
}

test("messages of every kind can be read", async ({ page, account, isMobile }) => {
  await signIn(page, account);
  const texts = [
    [/, rtl,/, "שלום עולם"],
    [/, flowed,/, "This line goes on here."],
    [/, two thousand recipients,/, "Everybody is invited."],
    [/, no date,/, "This one has no date."],
    [/\(no subject\)/, "This one has no subject."],
    [/, mislabelled,/, "größer als gedacht"],
    [/, koi8-r,/, "Привет"],
    [/, gb18030,/, "你好"],
    [/, windows-1251,/, "Привет"],
    [/, iso-2022-jp,/, "こんにちは"],
    [/, utf-8,/, "Grüße aus Łódź, 日本"],
    [/, alternative,/, "The rich version"],
    [/, plain,/, "and <b>not bold</b>."],
  ];
  for (const [subject, text] of texts) {
    await open(page, subject);
    await expect(bodyFrame(page).locator("body")).toContainText(text);
    await back(page, isMobile);
  }
});

test("two thousand recipients are told one by one when asked for", async ({ page, account }) => {
  await signIn(page, account);
  await open(page, /two thousand recipients/);
  await message(page).getByRole("button", { name: "and 1997 more" }).click();
  await expect(message(page).getByText("Person 1999")).toBeVisible();
});

test("a message of ten megabytes opens whole", async ({ page, account }) => {
  await signIn(page, account);
  await open(page, /ten megabytes/);
  // By its element: looking for the text in all of it takes a busy machine longer than showing it.
  const end = bodyFrame(page).locator("p").last();
  await expect(end).toHaveText("The very end", { timeout: 45_000 });
  await expect(end).toBeVisible();
});

test("remote images wait for leave, and the sender can be trusted", async ({ page, account }) => {
  const asked = [];
  await page.route("https://tracker.example/**", (route) => {
    asked.push(route.request().url());
    return route.fulfill({ status: 200, contentType: "image/gif", body: "GIF89a" });
  });
  await signIn(page, account);
  await open(page, /, html,/);
  await expect(bodyFrame(page).getByRole("heading", { name: "A heading" })).toBeVisible();
  await expect(page.getByText("1 remote image is not loaded.")).toBeVisible();
  expect(asked).toEqual([]);
  await page.getByRole("button", { name: "Always for this sender" }).click();
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  await expect(page.getByText("1 remote image is not loaded.")).toBeHidden();
});

test("nested parts: inline image, attachments with their names, a forwarded message", async ({ page, account }) => {
  await signIn(page, account);
  await open(page, /, nested,/);
  const image = bodyFrame(page).getByAltText("inline");
  await expect(image).toBeVisible();
  await expect.poll(() => image.evaluate((i) => i.naturalWidth)).toBe(40);
  const attachments = page.getByRole("region", { name: "Attachments" });
  await expect(attachments.getByRole("listitem")).toHaveCount(3);
  const download = page.waitForEvent("download");
  await attachments.getByRole("link", { name: "Save résumé.pdf" }).click();
  expect((await download).suggestedFilename()).toBe("résumé.pdf");
});

test("the source and all headers can be seen", async ({ page, account }) => {
  await signIn(page, account);
  await open(page, /, plain,/);
  await message(page).getByRole("button", { name: "Details" }).click();
  await expect(message(page).getByText("Message-ID", { exact: true })).toBeVisible();
  await message(page).getByRole("button", { name: "More" }).click();
  const source = page.waitForEvent("popup");
  await page.getByRole("menuitem", { name: "View source" }).click();
  await expect((await source).locator("body")).toContainText("Subject: plain");
});
