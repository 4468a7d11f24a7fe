import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import AxeBuilder from "@axe-core/playwright";
import { contents, expect, imapClient, message, newAccount, row, signIn, test } from "./roost.mjs";

test.use({ seed: "demo" });

const field = (page, name) => page.getByRole("combobox", { name, exact: true });
const frame = (page) => page.frameLocator('iframe[title="Message editor"]');
const editor = (page) => frame(page).getByRole("textbox", { name: "Message text" });
const composer = (page) => page.getByRole("dialog").filter({ has: page.getByRole("button", { name: "Discard draft" }) });
const state = (page) => page.getByRole("status", { name: "Draft" });
const tool = (page, name) => page.getByRole("toolbar", { name: "Formatting" }).getByRole("button", { name, exact: true });
const sendButton = (page) => page.getByRole("button", { name: "Send", exact: true });
const address = (account) => `${account.name}@roost.test`;
const PARSER = fileURLToPath(new URL("../../check/parse.py", import.meta.url));
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC", "base64");
const WIDE = { viewport: { width: 1360, height: 860 }, isMobile: false, hasTouch: false };

const PREFS = "hold=0\nwrite=rich\n";

test.beforeEach(async ({ page }) => {
  await page.addInitScript((prefs) => localStorage.getItem("roost.prefs") ?? localStorage.setItem("roost.prefs", prefs), PREFS);
});

/** A message being written with formatting. */
async function compose(page) {
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await expect(editor(page)).toBeVisible();
}

/** Pastes into the editor as the browser does: what is on the clipboard arrives in an event. */
async function paste(page, kinds, files = []) {
  await editor(page).evaluate((root, { kinds, files }) => {
    const data = new DataTransfer();
    for (const [kind, value] of Object.entries(kinds)) data.setData(kind, value);
    for (const { name, type, base64 } of files) {
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }));
    }
    root.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, { kinds, files });
}

/** The newest message of a mailbox, read by Python. */
async function newest(client, mailbox, subject) {
  await expect.poll(async () => (await contents(client, mailbox)).has(subject), { timeout: 20_000 }).toBe(true);
  const { uid } = (await contents(client, mailbox)).get(subject);
  const lock = await client.getMailboxLock(mailbox);
  const { source } = await client.fetchOne(uid, { source: true }, { uid: true });
  lock.release();
  const parsed = JSON.parse(execFileSync("python3", [PARSER], { input: source, maxBuffer: 50_000_000 }).toString());
  for (const part of leaves(parsed.body)) part.text = part.text?.replaceAll("\r\n", "\n");
  return parsed;
}

/** The leaves of a message by their type. */
const leaves = (part) => (part.parts ? part.parts.flatMap(leaves) : [part]);
const leaf = (parsed, type) => leaves(parsed.body).find((part) => part.type === type);

test("a rich message arrives as it was written, with a text beside it", async ({ page, account, imap }) => {
  const loaded = [];
  page.on("request", (request) => loaded.push(new URL(request.url()).pathname));
  await signIn(page, account);
  await expect(row(page, /Welcome to Roost/)).toBeVisible();
  expect(loaded.filter((path) => path.includes("editor"))).toEqual([]);
  await compose(page);
  expect(loaded.filter((path) => /^\/editor-[0-9a-f]{16}\.js$/.test(path))).toHaveLength(1);
  await field(page, "To").fill(`${address(account)},`);
  await page.getByRole("textbox", { name: "Subject" }).fill("Rich");
  await editor(page).click();
  await page.keyboard.type("plain ");
  await page.keyboard.press("Control+b");
  await expect(tool(page, "Bold")).toHaveAttribute("aria-pressed", "true");
  await page.keyboard.type("bold");
  await tool(page, "Bold").click();
  await page.keyboard.type(" and ");
  await tool(page, "Italic").click();
  await page.keyboard.type("slanted");
  await tool(page, "Italic").click();
  await page.keyboard.type(".");
  await page.keyboard.press("Enter");
  await tool(page, "Numbered list").click();
  await page.keyboard.type("first");
  await page.keyboard.press("Enter");
  await page.keyboard.type("second");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.type("word");
  await page.keyboard.press("Shift+Home");
  await page.keyboard.press("Control+k");
  await page.getByRole("textbox", { name: "Link address" }).fill("javascript:alert(1)");
  await page.getByRole("button", { name: "Insert link" }).click();
  await expect(page.getByRole("textbox", { name: "Link address" })).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("textbox", { name: "Link address" }).fill("example.org/path");
  await page.getByRole("button", { name: "Insert link" }).click();
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("Title");
  await page.getByRole("combobox", { name: "Paragraph style" }).selectOption("Heading 1");
  await expect(editor(page).locator("h1")).toHaveText("Title");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("שלום");
  // Undone and done again.
  await page.keyboard.press("Control+z");
  await expect(editor(page)).not.toContainText("שלום");
  await tool(page, "Redo").click();
  await expect(editor(page)).toContainText("שלום");
  await page.keyboard.press("Control+Enter");
  await expect(composer(page)).toHaveCount(0);
  const parsed = await newest(imap, "INBOX", "Rich");
  expect(parsed.defects).toEqual([]);
  expect(parsed.body.type).toBe("multipart/alternative");
  expect(parsed.body.parts.map((part) => part.type)).toEqual(["text/plain", "text/html"]);
  expect(leaf(parsed, "text/plain").text).toContain("plain bold and slanted.\n\n1. first\n2. second\n\nword <https://example.org/path>\n\nTitle\n\nשלום\n");
  const html = leaf(parsed, "text/html").text;
  expect(html).toContain("<b>bold</b>");
  expect(html).toContain("<i>slanted</i>");
  expect(html).toMatch(/<ol><li[^>]*>(<div[^>]*>)?first/);
  expect(html).toMatch(/<a [^>]*href="https:\/\/example.org\/path"/);
  expect(html).toMatch(/<h1[^>]*>Title<\/h1>/);
});

test("a signature with formatting follows who the message is from", async ({ page, account }) => {
  const own = address(account);
  const identity = (...fields) => `identity=${fields.map(encodeURIComponent).join(" ")}\n`;
  const prefs = PREFS
    + identity("Work", own, "", '<div dir="auto">At <b>work</b></div><div dir="auto"><a href="https://work.example/">here</a></div>')
    + identity("Home", `home-${own}`, "At home\n<3")
    + identity("Bare", `bare-${own}`, "");
  await page.addInitScript((prefs) => localStorage.setItem("roost.prefs", prefs), prefs);
  await signIn(page, account);
  await row(page, /Dinner on Friday/).click();
  await expect(page.frameLocator('iframe[title="Message body"]').locator("body")).toContainText("harbour");
  await page.getByRole("region", { name: "Message", exact: true }).getByRole("button", { name: "Reply", exact: true }).click();
  const from = composer(page).getByRole("combobox", { name: "From" });
  const lines = () => editor(page).evaluate((root) =>
    [...root.children].map((line) => (line.tagName === "BLOCKQUOTE" ? ">" : line.innerHTML.replaceAll("&nbsp;", " ").replace(/ $/, ""))));
  const quoted = ["<br>", expect.stringMatching(/wrote:$/), ">"];
  await expect(editor(page)).toBeFocused();
  await page.keyboard.type("Hello");
  const work = ["--", "At <b>work</b>", '<a href="https://work.example/">here</a>'];
  await expect.poll(lines).toEqual(["Hello", "<br>", ...work, ...quoted]);
  await from.selectOption("1");
  await expect.poll(lines).toEqual(["Hello", "<br>", "--", "At home", "&lt;3", ...quoted]);
  await from.selectOption("2");
  await expect.poll(lines).toEqual(["Hello", ...quoted]);
  await from.selectOption("0");
  await expect.poll(lines).toEqual(["Hello", "<br>", ...work, ...quoted]);
  // The cursor stays, and what was exchanged can be undone.
  await editor(page).focus();
  await page.keyboard.type("!");
  await expect.poll(lines).toEqual(["Hello!", "<br>", ...work, ...quoted]);
  await from.selectOption("1");
  await expect.poll(lines).toEqual(["Hello!", "<br>", "--", "At home", "&lt;3", ...quoted]);
  await tool(page, "Undo").click();
  await expect.poll(lines).toEqual(["Hello!", "<br>", ...work, ...quoted]);
  await tool(page, "Redo").click();
  await expect.poll(lines).toEqual(["Hello!", "<br>", "--", "At home", "&lt;3", ...quoted]);
  // Written into, it is the person's own.
  await editor(page).getByText("At home").click();
  await page.keyboard.press("End");
  await page.keyboard.type(" again");
  await from.selectOption("0");
  await expect(state(page)).toHaveText("Saved in Drafts");
  expect((await lines()).slice(2, 5)).toEqual(["--", "At home again", "&lt;3"]);
});

test("pictures by paste travel beside the text, and stay in the draft", async ({ page, browser, account, imap }) => {
  await signIn(page, account);
  await compose(page);
  await field(page, "To").fill(`${address(account)},`);
  await page.getByRole("textbox", { name: "Subject" }).fill("Picture");
  await editor(page).click();
  await page.keyboard.type("Look: ");
  await paste(page, {}, [{ name: "Grün.png", type: "image/png", base64: PNG.toString("base64") }]);
  await expect(editor(page).locator("img")).toHaveAttribute("alt", "Grün.png");
  await expect.poll(() => editor(page).locator("img").evaluate((img) => img.naturalWidth)).toBe(10);
  // It is no attachment.
  await expect(composer(page).getByRole("list", { name: "Attachments" })).toHaveCount(0);
  await page.keyboard.press("Control+b");
  await page.keyboard.type("there");
  await expect(state(page)).toHaveText("Saved in Drafts");
  // What was typed last is there too, not only what was saved before it.
  const saved = async () => leaves((await newest(imap, "Drafts", "Picture")).body);
  await expect.poll(async () => (await saved()).find((part) => part.type === "text/html")?.text).toContain("there");
  expect((await saved()).map((part) => part.type)).toEqual(["text/plain", "text/html", "image/png"]);
  // Another device goes on with it: formatting and picture are there.
  const context = await browser.newContext(WIDE);
  const other = await context.newPage();
  await other.addInitScript((prefs) => localStorage.setItem("roost.prefs", prefs), PREFS);
  await signIn(other, account);
  await other.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Drafts/ }).click();
  // The version before it may be listed for a moment, and is gone then.
  await row(other, "Picture").filter({ hasText: "there" }).click();
  await expect(editor(other).locator("b")).toHaveText("there");
  await expect.poll(() => editor(other).locator("img").evaluate((img) => img.naturalWidth)).toBe(10);
  await editor(other).press("Control+End");
  await other.keyboard.type("!");
  await expect(state(other)).toHaveText("Saved in Drafts");
  await sendButton(other).click();
  await expect(composer(other)).toHaveCount(0);
  const parsed = await newest(imap, "INBOX", "Picture");
  expect(parsed.defects).toEqual([]);
  expect(parsed.body.type).toBe("multipart/alternative");
  expect(parsed.body.parts[1].type).toBe("multipart/related");
  const image = leaf(parsed, "image/png");
  expect(image).toMatchObject({
    disposition: "inline", name: "Grün.png", size: PNG.length, sha256: createHash("sha256").update(PNG).digest("hex"),
  });
  expect(leaf(parsed, "text/html").text).toContain(`src="cid:${image.id}"`);
  expect(leaf(parsed, "text/plain").text).toContain("Look: [Grün.png]there!");
  await context.close();
});

test("hostile HTML that is pasted does nothing and is not sent", async ({ page, account, imap }) => {
  const outside = [];
  page.on("request", (request) => {
    if (request.url().includes("evil.example")) outside.push(request.url());
  });
  await signIn(page, account);
  await compose(page);
  await field(page, "To").fill(`${address(account)},`);
  await page.getByRole("textbox", { name: "Subject" }).fill("Pasted");
  await editor(page).click();
  await paste(page, {
    "text/plain": "nice",
    "text/html": `<p>nice <b>words</b> <span style="color:red;position:fixed">red</span></p>
      <script>parent.hurt = 1</script><img src=x onerror="parent.hurt = 2"><svg onload="parent.hurt = 3"><script>parent.hurt = 4</script></svg>
      <style>@import 'https://evil.example/a.css'; * { background: url(https://evil.example/b.png) }</style>
      <img src="https://evil.example/pixel.gif"><iframe srcdoc="<script>parent.parent.hurt = 5</script>"></iframe>
      <div style="background:url(https://evil.example/c.png)">box</div><a href="javascript:parent.hurt = 6">click</a>`,
  });
  await expect(editor(page).locator("b")).toHaveText("words");
  await expect(editor(page).locator("script, svg, style, iframe, img")).toHaveCount(0);
  expect(await editor(page).innerHTML()).not.toMatch(/onerror|onload|javascript|evil|position/);
  await sendButton(page).click();
  await expect(composer(page)).toHaveCount(0);
  const parsed = await newest(imap, "INBOX", "Pasted");
  const html = leaf(parsed, "text/html").text;
  expect(html).toContain("<b>words</b>");
  expect(html).toContain("color:red");
  expect(html).not.toMatch(/script|onerror|onload|svg|evil|iframe|position/);
  expect(await page.evaluate(() => window.hurt)).toBeUndefined();
  expect(outside).toEqual([]);
});

test("the frame that is written in runs nothing, whatever gets into it", async ({ page, account }) => {
  await signIn(page, account);
  await compose(page);
  // As if the sanitizer had let everything through.
  await editor(page).evaluate((root) => {
    root.innerHTML = `<img src=x onerror="parent.hurt = 1"><svg onload="parent.hurt = 2"></svg>
      <iframe srcdoc="<script>parent.parent.hurt = 3</script>"></iframe><a id="a" href="javascript:parent.hurt = 4">x</a>`;
    const script = root.ownerDocument.createElement("script");
    script.textContent = "parent.hurt = 5";
    root.append(script);
    root.ownerDocument.getElementById("a").click();
  });
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50))));
  expect(await page.evaluate(() => window.hurt)).toBeUndefined();
});

test("going back to plain text warns where something would be lost", async ({ page, account }) => {
  await signIn(page, account);
  await compose(page);
  await editor(page).click();
  await page.keyboard.type("one");
  const formatting = page.getByRole("button", { name: "Formatting", exact: true });
  await expect(formatting).toHaveAttribute("aria-pressed", "true");
  // Nothing is lost: nothing is asked.
  await formatting.click();
  await expect(page.getByRole("textbox", { name: "Message text" })).toHaveValue("one\n");
  await formatting.click();
  await expect(editor(page)).toHaveText("one");
  await editor(page).press("Control+End");
  await page.keyboard.press("Control+b");
  await page.keyboard.type(" two");
  await formatting.click();
  await expect(page.getByText("loses its formatting")).toBeVisible();
  await page.getByRole("button", { name: "Keep it" }).click();
  await expect(editor(page).locator("b")).toHaveText(/two/);
  await formatting.click();
  await page.getByRole("button", { name: "Remove it" }).click();
  await expect(page.getByRole("textbox", { name: "Message text" })).toHaveValue("one two\n");
});

test("an answer quotes the mail as it looks, with its own pictures, and loads nothing", async ({ page, account, imap }) => {
  const outside = [];
  page.on("request", (request) => {
    if (request.url().includes("tracker.example")) outside.push(request.url());
  });
  await imap.append("INBOX", [
    "From: Ann <ann@example.org>", `To: ${address(account)}`, "Subject: Newsletter", "Message-ID: <n@example.org>", "MIME-Version: 1.0",
    'Content-Type: multipart/related; boundary="b"', "", "--b", "Content-Type: text/html; charset=utf-8", "",
    '<p>Hello <b>you</b><img src="cid:logo@x" alt="Logo"><img src="https://tracker.example/p.gif"></p>', "--b", "Content-Type: image/png",
    "Content-Transfer-Encoding: base64", "Content-ID: <logo@x>", 'Content-Disposition: inline; filename="logo.png"', "", PNG.toString("base64"), "--b--", "",
  ].join("\r\n"));
  await signIn(page, account);
  await row(page, "Newsletter").click();
  await expect(page.frameLocator('iframe[title="Message body"]').locator("b")).toHaveText("you");
  await message(page).getByRole("button", { name: "Reply", exact: true }).click();
  await expect(editor(page).locator("blockquote b")).toHaveText("you");
  await expect.poll(() => editor(page).locator("blockquote img").evaluate((img) => img.naturalWidth)).toBe(10);
  await expect(editor(page)).toBeFocused();
  await page.keyboard.type("Thanks!");
  await composer(page).getByRole("button", { name: /^Remove Ann/ }).click();
  await field(page, "To").fill(`${address(account)},`);
  await sendButton(page).click();
  await expect(composer(page)).toHaveCount(0);
  const parsed = await newest(imap, "INBOX", "Re: Newsletter");
  const html = leaf(parsed, "text/html").text;
  expect(html).toMatch(/Thanks!.*<blockquote>.*<b>you<\/b>/s);
  expect(html).not.toContain("tracker.example");
  expect(html).toContain(`src="cid:${leaf(parsed, "image/png").id}"`);
  expect(leaf(parsed, "image/png").size).toBe(PNG.length);
  expect(leaf(parsed, "text/plain").text).toMatch(/Thanks!\n\n.*wrote:\n> Hello you/s);
  expect(outside).toEqual([]);
});

test("the toolbar by keyboard, names for screen readers, light and dark", async ({ page, account }, info) => {
  await signIn(page, account);
  await compose(page);
  await editor(page).click();
  await page.keyboard.type("words");
  await page.keyboard.press("Alt+F10");
  await expect(page.getByRole("combobox", { name: "Paragraph style" })).toBeFocused();
  await page.keyboard.press("ArrowRight");
  await expect(tool(page, "Bold")).toBeFocused();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(tool(page, "Redo")).toBeFocused();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await expect(editor(page)).toBeFocused();
  await page.keyboard.type(" bold");
  await expect(editor(page).locator("b")).toHaveText("bold");
  // One stop before the text, however many tools there are.
  await page.keyboard.press("Shift+Tab");
  await expect(tool(page, "Bold")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(editor(page)).toBeFocused();
  await page.getByRole("textbox", { name: "Subject" }).fill("Looks");
  await editor(page).press("Control+End");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Control+b");
  await tool(page, "Quote").click();
  await page.keyboard.type("quoted words");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Enter");
  await page.keyboard.type("مرحبا بالعالم، هذه رسالة");
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: info.outputPath(`rich-${colorScheme}.png`) });
    const found = await new AxeBuilder({ page }).analyze();
    const bad = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
    expect(bad.map((one) => `${one.id}: ${one.nodes.map((n) => n.html.slice(0, 200)).join(" | ")}`)).toEqual([]);
  }
  // Each paragraph has the direction of its words.
  const direction = (words) => editor(page).getByText(words).evaluate((block) => getComputedStyle(block).direction);
  expect(await direction("مرحبا")).toBe("rtl");
  expect(await direction("quoted")).toBe("ltr");
});

test("recipients are completed from those one wrote to and heard from, and dragged between fields", async ({ page, account, imap, isMobile }, info) => {
  const mail = (to, date) => [`From: ${address(account)}`, `To: ${to}`, "Subject: before", `Date: ${date}`, "", "x", ""].join("\r\n");
  await imap.mailboxCreate("Sent").catch(() => {});
  await imap.append("Sent", mail("Zoë Often <zoe@example.org>", "Mon, 2 Feb 2026 10:00:00 +0000"), ["\\Seen"]);
  await imap.append("Sent", mail("Zoë Often <zoe@example.org>", "Mon, 2 Feb 2026 11:00:00 +0000"), ["\\Seen"]);
  await imap.append("Sent", mail("Zoltan Once <zoltan@example.org>", "Mon, 2 Feb 2026 12:00:00 +0000"), ["\\Seen"]);
  await signIn(page, account);
  await compose(page);
  const to = field(page, "To");
  await to.pressSequentially("zo");
  const people = page.getByRole("listbox", { name: "People for To" });
  await expect(people.getByRole("option")).toHaveText([/Zoë Often/, /Zoltan Once/]);
  await expect(to).toHaveAttribute("aria-expanded", "true");
  await page.screenshot({ path: info.outputPath("people.png") });
  await to.press("ArrowDown");
  await to.press("ArrowDown");
  const second = people.getByRole("option").nth(1);
  await expect(second).toHaveAttribute("aria-selected", "true");
  await expect(to).toHaveAttribute("aria-activedescendant", await second.getAttribute("id"));
  await to.press("Enter");
  await expect(page.getByRole("list", { name: "To recipients" })).toContainText("Zoltan Once");
  // Escape closes the list, not the message.
  await to.pressSequentially("zo");
  await expect(people.getByRole("option")).toHaveText([/Zoë Often/]);
  await to.press("Escape");
  await expect(people).toHaveCount(0);
  await to.fill("often");
  await people.getByRole("option").click();
  await expect(page.getByRole("list", { name: "To recipients" }).getByRole("listitem")).toHaveText([/Zoltan/, /Zoë/]);
  await page.getByRole("button", { name: "Cc and Bcc" }).click();
  if (isMobile) return;
  await page.getByRole("list", { name: "To recipients" }).getByText("Zoë Often").dragTo(field(page, "Bcc"));
  await expect(page.getByRole("list", { name: "Bcc recipients" })).toContainText("Zoë Often");
  await expect(page.getByRole("list", { name: "To recipients" }).getByRole("listitem")).toHaveText([/Zoltan/]);
});

test("settings: with formatting or without, where the signature stands, mail links", async ({ page, account, isMobile }) => {
  await page.addInitScript(() => {
    navigator.registerProtocolHandler = (scheme, url) => { window.registered = [scheme, url]; };
  });
  await signIn(page, account);
  if (isMobile) await page.getByRole("button", { name: "Show mailboxes" }).click();
  await page.getByRole("button", { name: "Settings" }).click();
  await expect(page.getByLabel("With formatting (rich text)")).toBeChecked();
  await page.getByLabel("With formatting (rich text)").uncheck();
  await page.getByLabel("Signature below what is quoted").check();
  await page.getByLabel("Signature", { exact: true }).fill("Me & Co.");
  await page.getByRole("button", { name: "Open mail links of other pages with Roost" }).click();
  expect(await page.evaluate(() => window.registered)).toEqual(["mailto", `${account.url}/compose?mailto=%s`]);
  await page.keyboard.press("Escape");
  if (isMobile) await page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Inbox/ }).click();
  await row(page, /Dinner on Friday/).click();
  await expect(page.frameLocator('iframe[title="Message body"]').locator("body")).toContainText("harbour");
  await message(page).getByRole("button", { name: "Reply", exact: true }).click();
  await expect(page.getByRole("textbox", { name: "Message text" })).toHaveValue(/wrote:\n> Hi Alice[\s\S]*\n-- \nMe & Co\.\n$/);
});

test("a signature with formatting goes with every message, as text where that is written", async ({ page, account, imap, isMobile }, info) => {
  const openSettings = async () => {
    if (isMobile) await page.getByRole("button", { name: "Show mailboxes" }).click();
    await page.getByRole("button", { name: "Settings" }).click();
  };
  await signIn(page, account);
  await openSettings();
  await page.getByLabel("Signature", { exact: true }).fill("Ada");
  await page.getByRole("button", { name: "Signature with formatting" }).click();
  const signature = page.frameLocator('iframe[title="Signature editor"]').getByRole("textbox", { name: "Signature text" });
  await expect(signature).toHaveText("Ada");
  await signature.press("Control+End");
  await page.keyboard.press("Control+b");
  await page.keyboard.type(" Lovelace");
  await expect(signature.locator("b")).toHaveText("Lovelace");
  await page.screenshot({ path: info.outputPath("signature.png") });
  // It is kept with the other settings.
  await page.reload();
  await openSettings();
  await expect(signature.locator("b")).toHaveText("Lovelace");
  await page.keyboard.press("Escape");
  await page.goto(account.url);
  await compose(page);
  await expect(editor(page).locator("b")).toHaveText("Lovelace");
  await field(page, "To").fill(`${address(account)},`);
  await page.getByRole("textbox", { name: "Subject" }).fill("Signed");
  await sendButton(page).click();
  await expect(composer(page)).toHaveCount(0);
  const parsed = await newest(imap, "INBOX", "Signed");
  expect(leaf(parsed, "text/html").text).toMatch(/-- ?(&nbsp;|\u00a0).*Ada<b> ?Lovelace<\/b>/s);
  expect(leaf(parsed, "text/plain").text).toMatch(/\n-- \nAda Lovelace\n$/);
  // Without formatting it is the same words.
  await openSettings();
  await page.getByLabel("With formatting (rich text)").uncheck();
  await page.keyboard.press("Escape");
  await page.goto(account.url);
  await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
  await expect(page.getByRole("textbox", { name: "Message text" })).toHaveValue("\n\n-- \nAda Lovelace\n");
  // And back to text it stays that.
  await page.getByRole("button", { name: "Discard draft" }).click();
  await openSettings();
  await page.getByRole("button", { name: "Signature with formatting" }).click();
  await expect(page.getByLabel("Signature", { exact: true })).toHaveValue("Ada Lovelace");
});
