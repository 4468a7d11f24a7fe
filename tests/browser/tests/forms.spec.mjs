import { contents, draftsKept, endWorkersWithPages, expect, row, signIn, test } from "./roost.mjs";

test.use({ seed: "demo" });

const form = (page, name) => page.getByRole("dialog", { name, exact: true });
const text = (page, name) => form(page, name).getByRole("textbox", { name: "Message text" });
const forms = (page) => page.locator(".composer");
const button = (page, name, label) => form(page, name).getByRole("button", { name: label, exact: true });

/** A worker that ends with its page may miss what was typed in the last 100 ms. */
const isKept = (page, words) => expect.poll(() => draftsKept(page)).toContain(words);

/** Begins a message; what was open may be in the way on a phone. */
async function begin(page, subject, words) {
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await form(page, "New message").getByRole("textbox", { name: "Subject" }).fill(subject);
  await text(page, subject).fill(words);
}

test("forms come back after a reload, minimized as they were", async ({ page, context, account, isMobile }, info) => {
  await endWorkersWithPages(context);
  await signIn(page, account);
  await begin(page, "First", "one");
  const first = page.url();
  await button(page, "First", "Minimize").click();
  await expect(text(page, "First")).toBeHidden();
  // A minimized form is not where the page is.
  await expect(page).not.toHaveURL(/compose/);
  await begin(page, "Second", "two");
  const second = page.url();
  if (isMobile) await button(page, "Second", "Minimize").click();
  await begin(page, "Third", "three");
  const third = page.url();
  expect(new Set([first, second, third]).size).toBe(3);
  if (!isMobile) {
    // The address follows who is written in.
    await text(page, "Second").click();
    await expect(page).toHaveURL(second);
    await text(page, "Third").click();
    await expect(page).toHaveURL(third);
  }
  const look = async () => {
    await expect(forms(page)).toHaveCount(3);
    await expect(text(page, "Third")).toHaveValue("three");
    await expect(text(page, "Third")).toBeVisible();
    await expect(page).toHaveURL(third);
    await expect(text(page, "First")).toBeHidden();
    await expect(text(page, "Second")).toBeVisible({ visible: !isMobile });
  };
  await look();
  await isKept(page, "three");
  await page.reload();
  await look();
  await page.screenshot({ path: info.outputPath("back.png") });
  // Nothing was typed since, nor is anything now: it is there all the same.
  await page.reload();
  await look();
  if (isMobile) {
    await expect(forms(page).filter({ visible: true })).toHaveCount(1);
    await button(page, "Third", "Minimize").click();
    await expect(forms(page).filter({ visible: true })).toHaveCount(3);
    await expect(row(page, /Welcome to Roost/)).toBeVisible();
    await page.screenshot({ path: info.outputPath("minimized.png") });
    await page.reload();
    await expect(forms(page)).toHaveCount(3);
    await expect(text(page, "Third")).toBeHidden();
  }
  await button(page, "First", "Restore").click();
  await expect(text(page, "First")).toHaveValue("one");
  await expect(text(page, "First")).toBeVisible();
  await expect(page).toHaveURL(first);
  // There is room for two, on a phone for one.
  await expect(text(page, "Third")).toBeVisible({ visible: !isMobile });
  await expect(text(page, "Second")).toBeHidden();
  await button(page, "First", "Save and close").click();
  await expect(forms(page)).toHaveCount(2);
  await page.reload();
  await expect(forms(page)).toHaveCount(2);
  await expect(form(page, "First")).toHaveCount(0);
});

test("what is typed in the moment before a page is loaded anew is there", async ({ page, account }) => {
  await signIn(page, account);
  await begin(page, "Last words", "one");
  await isKept(page, "Last words");
  const loaded = page.waitForEvent("load");
  await text(page, "Last words").evaluate((field) => {
    field.value = "one, two";
    field.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => location.reload());
  });
  await loaded;
  await expect(text(page, "Last words")).toHaveValue("one, two");
});

test("what is closed in the moment before a page is loaded anew stays closed", async ({ page, account, imap }) => {
  await signIn(page, account);
  await begin(page, "Stays", "one");
  await button(page, "Stays", "Minimize").click();
  await begin(page, "Goes", "two");
  const loaded = page.waitForEvent("load");
  await button(page, "Goes", "Save and close").evaluate((close) => {
    close.click();
    setTimeout(() => location.reload());
  });
  await loaded;
  await expect(page.locator(".composer.minimized textarea")).toHaveValue("one");
  await expect.poll(async () => (await contents(imap, "Drafts")).has("Goes")).toBe(true);
  await expect(forms(page)).toHaveCount(1);
});

test("what stands in a form is in the draft when the person goes back from it", async ({ page, account, imap, isMobile }) => {
  await signIn(page, account);
  await begin(page, "Back", "one");
  await form(page, "Back").getByRole("combobox", { name: "To", exact: true }).fill("bob@roost.test");
  await page.goBack();
  await expect(forms(page)).toHaveCount(0);
  await expect.poll(async () => (await contents(imap, "Drafts")).has("Back")).toBe(true);
  if (isMobile) await page.getByRole("button", { name: "Show mailboxes" }).click();
  await page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Drafts/ }).click();
  await row(page, "Back").click();
  await expect(form(page, "Back").getByRole("list", { name: "To recipients" })).toContainText("bob@roost.test");
});

test("a question leaves the person where they write", async ({ page, account }) => {
  await signIn(page, account);
  await begin(page, "Question", "see what is attached");
  await text(page, "Question").press("Control+Enter");
  await expect(form(page, "Question").getByText("Say who it is for")).toBeVisible();
  await expect(text(page, "Question")).toBeFocused();
  await form(page, "Question").getByRole("button", { name: "Cc and Bcc" }).click();
  await expect(form(page, "Question").getByRole("combobox", { name: "Cc", exact: true })).toBeFocused();
});

test("a form in which nothing was written yet comes back too", async ({ page, account }) => {
  await signIn(page, account);
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await expect(text(page, "New message")).toBeVisible();
  const url = page.url();
  await page.reload();
  await expect(text(page, "New message")).toBeVisible();
  await expect(page).toHaveURL(url);
  await expect(page.getByText("not being written here any more")).toHaveCount(0);
});

for (const kind of ["a shared worker", "a worker for each tab"]) {
  test(`two tabs leave each other's forms alone: ${kind}`, async ({ page, context, account }) => {
    if (kind !== "a shared worker") {
      await context.addInitScript(() => { delete window.SharedWorker; });
    }
    await signIn(page, account);
    await begin(page, "Mine", "one");
    await button(page, "Mine", "Minimize").click();
    await begin(page, "Also mine", "two");
    const other = await context.newPage();
    await other.goto(account.url);
    await expect(row(other, /Welcome to Roost/)).toBeVisible();
    await begin(other, "Yours", "three");
    await expect(forms(other)).toHaveCount(1);
    if (kind !== "a shared worker") await isKept(other, "three");
    for (const loaded of [other, page]) {
      // The worker of the other tab looks seldom for what is not its own by then (`public/worker-loader.js`).
      if (kind !== "a shared worker" && loaded === page) await page.waitForTimeout(9_000);
      await loaded.reload();
      await expect(text(other, "Yours")).toHaveValue("three");
      await expect(forms(other)).toHaveCount(1);
      await expect(text(page, "Also mine")).toHaveValue("two");
      await expect(page.locator(".composer.minimized textarea")).toHaveValue("one");
      await expect(forms(page)).toHaveCount(2);
    }
    // A copy of a tab, with all that the browser keeps for it, takes none of them either.
    const kept = await page.evaluate(() => sessionStorage.getItem("roost.forms"));
    const copy = await context.newPage();
    await copy.addInitScript((kept) => sessionStorage.setItem("roost.forms", kept), kept);
    await copy.goto(account.url);
    await expect(row(copy, /Welcome to Roost/)).toBeVisible();
    await begin(copy, "Copy", "four");
    await expect(forms(copy)).toHaveCount(1);
    await expect(forms(page)).toHaveCount(2);
    if (kind !== "a shared worker") return;
    // Not even when they are nobody's.
    await page.close();
    await text(copy, "Copy").pressSequentially("more");
    await expect(forms(copy)).toHaveCount(1);
  });
}
