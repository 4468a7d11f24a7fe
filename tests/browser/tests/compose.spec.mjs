import { Person } from "./person.mjs";
import { contents, enter, expect, imapClient, message, newAccount, row, rows, signIn, stage, test } from "./roost.mjs";

test.use({ seed: "demo" });

const field = (page, name) => page.getByRole("combobox", { name, exact: true });
const text = (page) => page.getByRole("textbox", { name: "Message text" });
const composer = (page) => page.getByRole("dialog").filter({ has: text(page) });
const state = (page) => page.getByRole("status", { name: "Draft" });
const sendButton = (page) => page.getByRole("button", { name: "Send", exact: true });
const address = (account) => `${account.name}@roost.test`;

const WIDE = { viewport: { width: 1360, height: 860 }, isMobile: false, hasTouch: false };

/** A message being written, by the button that the screen has. */
async function compose(page) {
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await expect(text(page)).toBeVisible();
}

test("a message is written, can be taken back, is sent, and is in Sent on another device", async ({ page, browser, account, imap }) => {
  const friend = await newAccount("many:3");
  await signIn(page, account);
  const other = await (await browser.newContext(WIDE)).newPage();
  await signIn(other, account);
  await other.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Sent/ }).click();
  await compose(page);
  // Everything people paste: names with commas, semicolons, several at once.
  await field(page, "To").fill(`"Friend, Good" <${address(friend)}>;`);
  await expect(composer(page).getByText("Friend, Good")).toBeVisible();
  await page.getByRole("button", { name: "Cc and Bcc" }).click();
  await field(page, "Bcc").fill("nonsense,");
  await page.getByRole("textbox", { name: "Subject" }).fill("Grüße 東京");
  await text(page).fill("First line\n.\nשלום\n");
  await page.getByLabel("Attach files").setInputFiles([{ name: "Résumé.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(100_000, 7) }]);
  await expect(composer(page).getByRole("button", { name: "Remove Résumé.pdf" })).toBeVisible();
  // A wrong address is marked, and nothing goes.
  await sendButton(page).click();
  await expect(page.getByText("One of the addresses cannot be written to.")).toBeVisible();
  await page.getByRole("button", { name: "Remove nonsense" }).click();
  await sendButton(page).click();
  await expect(composer(page)).toBeHidden();
  await page.getByRole("button", { name: "Undo" }).click();
  await expect(composer(page)).toBeVisible();
  await expect(text(page)).toHaveValue("First line\n.\nשלום\n");
  expect((await contents(imap, "Sent")).has("Grüße 東京")).toBe(false);
  // Nobody waits for this one.
  await page.evaluate(() => localStorage.setItem("roost.prefs", "hold=0\n"));
  await expect(state(page)).toHaveText("Saved in Drafts");
  await page.reload();
  await expect(text(page)).toHaveValue("First line\n.\nשלום\n");
  await expect(composer(page).getByRole("button", { name: "Remove Résumé.pdf" })).toBeVisible();
  await sendButton(page).click();
  await expect(page.getByText("Sent", { exact: true }).last()).toBeVisible();
  await expect(row(other, "Grüße 東京")).toBeVisible();
  const friends = await imapClient(friend);
  await expect.poll(async () => (await contents(friends, "INBOX")).has("Grüße 東京"), { timeout: 20_000 }).toBe(true);
  await friends.logout();
  await expect.poll(async () => (await contents(imap, "Drafts")).size).toBe(0);
  await other.context().close();
});

test("recipients go from field to field by keyboard", async ({ page, account, isMobile }) => {
  await signIn(page, account);
  await compose(page);
  await field(page, "To").fill("Ann <ann@example.org>, Bob <bob@example.org>,");
  const list = (name) => page.getByRole("list", { name: `${name} recipients` });
  await expect(list("To").getByRole("listitem")).toHaveText(["Ann", "Bob"]);
  const bob = page.getByRole("button", { name: "Remove Bob" });
  await bob.focus();
  for (const name of ["Cc", "Bcc", "Bcc"]) {
    await page.keyboard.press("Alt+ArrowDown");
    await expect(list(name).getByRole("listitem")).toHaveText(["Bob"]);
    await expect(bob).toBeFocused();
  }
  await page.keyboard.press("Alt+ArrowUp");
  await expect(list("Cc").getByRole("listitem")).toHaveText(["Bob"]);
  await expect(bob).toBeFocused();
  await page.keyboard.press("Alt+ArrowUp");
  await expect(list("To").getByRole("listitem")).toHaveText(["Ann", "Bob"]);
  await page.keyboard.press("Enter");
  await expect(list("To").getByRole("listitem")).toHaveText(["Ann"]);
  await expect(field(page, "To")).toBeFocused();
  if (isMobile) return;
  // It stands in the help, with the way to the toolbar.
  await page.getByRole("button", { name: "Discard draft" }).click();
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard" })).toContainText(/Alt F10.*toolbar.*Alt ↑ \/ Alt ↓.*field above or below/s);
});

test("from right to left nothing stands outside the page", async ({ page, account }, info) => {
  await signIn(page, account);
  await page.evaluate(() => { document.documentElement.dir = "rtl"; });
  await compose(page);
  await field(page, "To").fill("דנה <dana@example.org>, bob@example.org,");
  await text(page).fill("שלום עולם");
  await page.screenshot({ path: info.outputPath("rtl.png") });
  const { scrolled, wider, box } = await page.evaluate(() => ({
    scrolled: scrollX,
    wider: document.scrollingElement.scrollWidth - innerWidth,
    box: document.querySelector(".composer").getBoundingClientRect().toJSON(),
  }));
  expect({ scrolled, wider }).toEqual({ scrolled: 0, wider: 0 });
  expect(box.left).toBeGreaterThanOrEqual(0);
  expect(box.right).toBeLessThanOrEqual(page.viewportSize().width);
  expect(await text(page).evaluate((area) => getComputedStyle(area).direction)).toBe("rtl");
  // What the keyboard reaches first is off the page until it does.
  await expect(page.locator(".skip")).not.toBeInViewport();
});

/** Who the person writes as, as the settings keep it: name, address, signature, its formatting, where answers go. */
const identities = (...all) =>
  all.map((fields) => `identity=${fields.map(encodeURIComponent).join(" ")}\n`).join("");

test("the signature follows who the message is from, while it is as it was put there", async ({ page, account, imap }) => {
  const own = address(account);
  const prefs = `hold=0\n${identities(
    ["Work", own, "At work\nRoom 7"], ["Home", `home-${own}`, "At home", "", `desk-${own}`], ["Bare", own.toUpperCase(), ""],
  )}`;
  await page.addInitScript((prefs) => localStorage.setItem("roost.prefs", prefs), prefs);
  await signIn(page, account);
  await row(page, /Dinner on Friday/).click();
  await expect(page.frameLocator('iframe[title="Message body"]').locator("body")).toContainText("harbour");
  await message(page).getByRole("button", { name: "Reply", exact: true }).click();
  const from = composer(page).getByRole("combobox", { name: "From" });
  await expect(text(page)).toBeFocused();
  await expect(text(page)).toHaveValue(/^\n\n-- \nAt work\nRoom 7\n\n\n.*wrote:\n> Hi Alice/);
  await page.keyboard.type("With pleasure!");
  await from.selectOption("1");
  await expect(text(page)).toHaveValue(/^With pleasure!\n\n-- \nAt home\n\n\n.*wrote:\n> Hi Alice/);
  // The cursor stays where it was.
  await text(page).focus();
  await page.keyboard.type(" So?");
  await from.selectOption("2");
  await expect(text(page)).toHaveValue(/^With pleasure! So\?\n\n.*wrote:\n> Hi Alice/);
  await from.selectOption("0");
  await expect(text(page)).toHaveValue(/^With pleasure! So\?\n\n-- \nAt work\nRoom 7\n\n\n.*wrote:\n> Hi Alice/);
  // One that was changed is the person's own text.
  await text(page).fill((await text(page).inputValue()).replace("Room 7", "Room 8"));
  await from.selectOption("1");
  await expect(text(page)).toHaveValue(/^With pleasure! So\?\n\n-- \nAt work\nRoom 8\n\n\n/);
  // Answers go where the other one wants them, on the next device too.
  await expect(state(page)).toHaveText("Saved in Drafts");
  const lock = await imap.getMailboxLock("Drafts");
  const { source } = await imap.fetchOne("*", { source: true });
  lock.release();
  expect(source.toString()).toMatch(new RegExp(`\\r\\nReply-To: <desk-${own}>\\r\\n`));
  expect(source.toString()).toMatch(new RegExp(`\\r\\nFrom: "?Home"? <home-${own}>\\r\\n`));
});

test("answering: the quote, the references, the mark", async ({ page, account, imap }) => {
  await page.addInitScript(() => localStorage.setItem("roost.prefs", "hold=0\n"));
  await signIn(page, account);
  await row(page, /Dinner on Friday/).click();
  await expect(message(page).getByRole("button", { name: "Reply", exact: true })).toBeVisible();
  await expect(page.frameLocator('iframe[title="Message body"]').locator("body")).toContainText("harbour");
  await message(page).getByRole("button", { name: "Reply", exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Subject" })).toHaveValue("Re: Dinner on Friday?");
  await expect(text(page)).toHaveValue(/wrote:\n> Hi Alice/);
  await expect(text(page)).toBeFocused();
  await page.keyboard.type("With pleasure!");
  // To somebody who can be written to here.
  await composer(page).getByRole("button", { name: /^Remove / }).first().click();
  await field(page, "To").fill(`${address(account)},`);
  await page.keyboard.press("Control+Enter");
  await expect.poll(async () => (await contents(imap, "Sent")).has("Re: Dinner on Friday?")).toBe(true);
  await expect.poll(async () => (await contents(imap, "INBOX")).get("Dinner on Friday?").flags.has("\\Answered")).toBe(true);
  const lock = await imap.getMailboxLock("Sent");
  const { source } = await imap.fetchOne("*", { source: true });
  lock.release();
  expect(source.toString()).toMatch(/\r\nIn-Reply-To: <[^>]+>\r\n/);
  expect(source.toString()).toContain("With pleasure!");
});

test("what is typed survives a closed tab, and there is one draft", async ({ page, context, account, imap, isMobile }) => {
  await signIn(page, account);
  await compose(page);
  await page.getByRole("textbox", { name: "Subject" }).fill("Unfinished");
  for (const word of ["one ", "two ", "three "]) {
    await text(page).pressSequentially(word);
    await expect(state(page)).not.toHaveText("Saved in Drafts");
    await expect(state(page)).toHaveText("Saved in Drafts");
  }
  await text(page).pressSequentially("four");
  await expect(state(page)).toHaveText("Kept on this device");
  const url = page.url();
  expect(url).toContain("/compose/");
  await page.close();
  const next = await context.newPage();
  await next.goto(url);
  await expect(text(next)).toHaveValue("one two three four");
  await next.getByRole("button", { name: "Save and close" }).click();
  await expect(composer(next)).toHaveCount(0);
  await expect.poll(async () => [...(await contents(imap, "Drafts")).keys()]).toEqual(["Unfinished"]);
  // From Drafts it is gone on with; discarding can be undone.
  await next.goto(account.url);
  await new Person(next, isMobile).openMailbox("Drafts");
  await row(next, "Unfinished").click();
  await expect(text(next)).toHaveValue(/one two three four/);
  await next.getByRole("button", { name: "Discard draft" }).click();
  await expect(row(next, "Unfinished")).toHaveCount(0);
  await next.getByRole("button", { name: "Undo" }).click();
  await expect(text(next)).toHaveValue(/one two three four/);
  await next.getByRole("button", { name: "Discard draft" }).click();
  await expect.poll(async () => (await contents(imap, "Drafts")).size, { timeout: 20_000 }).toBe(0);
  await expect.poll(async () => (await contents(imap, "Trash")).has("Unfinished")).toBe(true);
});

test("what the mail server would refuse for its size is said before", async ({ page, account }) => {
  await signIn(page, account);
  await compose(page);
  await field(page, "To").fill(`${address(account)},`);
  const attach = (name, megabytes) => page.evaluate(([name, megabytes]) => {
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(megabytes * 1_000_000)], name));
    const input = document.querySelector('input[aria-label="Attach files"]');
    input.files = files.files;
    input.dispatchEvent(new Event("change"));
  }, [name, megabytes]);
  // Postfix takes 40 MB here: 31 MB are more than that on their way, and are not even uploaded once that is known.
  await attach("note.txt", 0);
  await expect(composer(page).getByText("of 40.0 MB that can be sent")).toBeVisible();
  await composer(page).getByRole("button", { name: "Remove note.txt" }).click();
  await attach("film.mov", 31);
  await expect(composer(page).getByText("It is too large to be sent: the mail server takes messages of 40.0 MB")).toBeVisible();
  await composer(page).getByRole("button", { name: "Cancel film.mov" }).click();
  await attach("one.zip", 20);
  await expect(composer(page).getByRole("button", { name: "Remove one.zip" })).toBeVisible({ timeout: 30_000 });
  await expect(composer(page).getByText("27.3 MB in all, of 40.0 MB that can be sent")).toBeVisible();
  await attach("two.zip", 10);
  await expect(composer(page).getByText("The message is too large to be sent: it has 41.0 MB on its way")).toBeVisible({ timeout: 30_000 });
  await sendButton(page).click();
  await expect(composer(page)).toBeVisible();
  await composer(page).getByRole("button", { name: "Remove two.zip" }).click();
  await expect(composer(page).getByText("too large to be sent")).toHaveCount(0);
});

test("a draft changed on another device asks", async ({ page, browser, account, imap }) => {
  await signIn(page, account);
  await compose(page);
  await page.getByRole("textbox", { name: "Subject" }).fill("Shared draft");
  await text(page).fill("from the first");
  await expect(state(page)).toHaveText("Saved in Drafts");
  const other = await (await browser.newContext(WIDE)).newPage();
  await signIn(other, account);
  await other.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Drafts/ }).click();
  await row(other, "Shared draft").click();
  await text(other).fill("from the second");
  await expect(state(other)).toHaveText("Saved in Drafts");
  await text(page).fill("from the first, again");
  await expect(page.getByText("This draft was changed on another device meanwhile.")).toBeVisible();
  await page.getByRole("button", { name: "Keep both" }).click();
  await expect.poll(async () => {
    const lock = await imap.getMailboxLock("Drafts");
    const texts = [];
    // Where a draft goes while this is asked, its source is empty.
    for await (const one of imap.fetch("1:*", { source: true })) texts.push(one.source?.toString().split("\r\n\r\n")[1]?.trim());
    lock.release();
    return texts.sort();
  }).toEqual(["from the first, again", "from the second"]);
  await other.context().close();
});

test("a restarted gateway and a refusal lose nothing", async ({ page, account, imap }) => {
  await page.addInitScript(() => localStorage.setItem("roost.prefs", "hold=0\n"));
  await signIn(page, account);
  await compose(page);
  await field(page, "To").fill("nobody@roost.test,");
  await page.getByRole("textbox", { name: "Subject" }).fill("Kept");
  await text(page).fill("all of this");
  await stage({ do: "gateway-restart" });
  await expect(page.getByLabel("Password")).toBeVisible({ timeout: 20_000 });
  await enter(page, account);
  await expect(text(page)).toHaveValue("all of this");
  await sendButton(page).click();
  await expect(page.getByText("nobody@roost.test: ")).toBeVisible();
  await expect(page.getByText("there is nobody of that name")).toBeVisible();
  await expect(text(page)).toHaveValue("all of this");
  expect((await contents(imap, "Sent")).has("Kept")).toBe(false);
  // Once the address is right, it goes.
  await page.getByRole("button", { name: "Remove nobody@roost.test" }).click();
  await field(page, "To").fill(`${address(account)},`);
  await sendButton(page).click();
  await expect.poll(async () => (await contents(imap, "Sent")).has("Kept"), { timeout: 20_000 }).toBe(true);
  await expect.poll(async () => (await contents(imap, "Drafts")).size).toBe(0);
});
