// Every kind of message that is written here, as it arrives, read by Python's own parser.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { bodyFrame, contents, expect, imapClient, message, newAccount, row, signIn, test } from "./roost.mjs";

test.use({ seed: "many:3" });

const PARSER = fileURLToPath(new URL("../../check/parse.py", import.meta.url));
const text = (page) => page.getByRole("textbox", { name: "Message text" });
const subject = (page) => page.getByRole("textbox", { name: "Subject" });
const field = (page, name) => page.getByRole("combobox", { name, exact: true });
const chips = (page, name) => page.getByRole("list", { name: `${name} recipients` }).getByRole("listitem");
const composer = (page) => page.getByRole("dialog").filter({ has: text(page) });
const address = (account) => `${account.name}@roost.test`;

/** The message of that subject in a mailbox: what Python makes of it, its bytes, its UID. */
async function read(client, mailbox, about) {
  await expect.poll(async () => (await contents(client, mailbox)).has(about), { timeout: 20_000, message: about }).toBe(true);
  const { uid, flags } = (await contents(client, mailbox)).get(about);
  const lock = await client.getMailboxLock(mailbox);
  const { source } = await client.fetchOne(String(uid), { source: true }, { uid: true });
  lock.release();
  const parsed = JSON.parse(execFileSync("python3", [PARSER], { input: source, maxBuffer: 100_000_000 }).toString());
  expect(parsed.defects, about).toEqual([]);
  expect(parsed.bare_line_ends, about).toBe(0);
  expect(parsed.longest_line, about).toBeLessThanOrEqual(998);
  expect(parsed.names.filter((name) => name === "Bcc" || name.startsWith("X-Roost")), about).toEqual(mailbox === "INBOX" ? [] : parsed.names.filter((name) => name === "Bcc"));
  return { ...parsed, source: source.toString("latin1"), flags };
}

const leaves = (part) => (part.parts ? part.parts.flatMap(leaves) : [part]);

test.describe("what arrives", () => {
  let me, friend, list, mine, friends, lists;

  test.beforeEach(async ({ page, account, imap }) => {
    await page.addInitScript(() => localStorage.setItem("roost.prefs", "hold=0\n"));
    [me, mine] = [account, imap];
    [friend, list] = [await newAccount("many:3"), await newAccount("many:3")];
    [friends, lists] = [await imapClient(friend), await imapClient(list)];
    await signIn(page, account);
  });

  test.afterEach(async () => {
    await Promise.all([friends?.logout(), lists?.logout()]);
  });

  /** Mail that was got. */
  const got = async (fields, body = "The first line.\r\n\r\nThe second part.\r\n") => {
    await mine.append("INBOX", [`From: =?utf-8?q?Fr=C3=A9?= Friend <${address(friend)}>`, ...fields, "", body].join("\r\n"), []);
  };

  const open = async (page, about, words) => {
    await row(page, about).click();
    await expect(message(page).getByRole("heading", { name: about })).toBeVisible();
    await expect(bodyFrame(page).locator("body")).toContainText(words);
  };

  const send = async (page) => {
    await composer(page).getByRole("button", { name: "Send", exact: true }).click();
    await expect(composer(page)).toHaveCount(0);
  };

  test("an answer to all: never to oneself, with its references, and the list", async ({ page }) => {
    await got([
      `To: ${address(me)}, nobody-here@example.org`, `Cc: ME <${address(me).toUpperCase()}>`, "Subject: Zebra", "Message-ID: <plan.3@example.org>",
      "References: <plan.1@example.org>", " <plan.2@example.org>", `List-Post: <mailto:${address(list)}>`, "Date: Mon, 2 Feb 2026 10:00:00 +0000",
    ]);
    await open(page, "Zebra", "The second part.");
    await message(page).getByRole("button", { name: "Reply all" }).click();
    await expect(chips(page, "To")).toHaveText(["Fré Friend", "nobody-here@example.org"]);
    await expect(chips(page, "Cc")).toHaveText([address(list)]);
    await composer(page).getByRole("button", { name: "Remove nobody-here@example.org" }).click();
    await text(page).press("Control+Home");
    await page.keyboard.type("Agreed.");
    await send(page);
    const arrived = await read(friends, "INBOX", "Re: Zebra");
    expect(arrived.headers["In-Reply-To"]).toBe("<plan.3@example.org>");
    expect(arrived.headers.References).toBe("<plan.1@example.org> <plan.2@example.org> <plan.3@example.org>");
    expect(arrived.headers.To).toBe(`Fré Friend <${address(friend)}>`);
    expect(arrived.headers.Cc).toBe(address(list));
    expect(arrived.body.type).toBe("text/plain");
    expect(arrived.body.text.replaceAll("\r\n", "\n")).toMatch(/^Agreed\.\n[\s\S]*wrote:\n> The first line\.\n>\n> The second part\.\n$/);
    await read(lists, "INBOX", "Re: Zebra");
    await expect.poll(async () => (await contents(mine, "INBOX")).get("Zebra").flags.has("\\Answered")).toBe(true);
    // The copy is what was sent, byte for byte.
    const copy = await read(mine, "Sent", "Re: Zebra");
    expect(arrived.source).toContain(copy.source);
  });

  test("an answer goes where its author wants it: Mail-Followup-To, Reply-To", async ({ page }) => {
    await got([`To: ${address(me)}`, "Subject: Followed", "Message-ID: <f@example.org>", `Mail-Followup-To: The List <${address(list)}>, ${address(me)}`]);
    await got([`To: ${address(me)}`, "Subject: Redirected", "Message-ID: <r@example.org>", `Reply-To: Desk <${address(list)}>`]);
    await open(page, "Followed", "The second part.");
    await message(page).getByRole("button", { name: "Reply all" }).click();
    await expect(chips(page, "To")).toHaveText(["The List"]);
    await send(page);
    await read(lists, "INBOX", "Re: Followed");
    await open(page, "Redirected", "The second part.");
    await message(page).getByRole("button", { name: "Reply", exact: true }).click();
    await expect(chips(page, "To")).toHaveText(["Desk"]);
    await send(page);
    const arrived = await read(lists, "INBOX", "Re: Redirected");
    expect(arrived.headers.References).toBe("<r@example.org>");
    expect((await contents(friends, "INBOX")).has("Re: Redirected")).toBe(false);
  });

  test("an answer to a part that is selected quotes that part", async ({ page }) => {
    await got([`To: ${address(me)}`, "Subject: Long", "Message-ID: <long@example.org>"]);
    await open(page, "Long", "The second part.");
    await bodyFrame(page).locator("body").evaluate((body) => {
      const walker = body.ownerDocument.createTreeWalker(body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const at = walker.currentNode.data.indexOf("The second part.");
        if (at < 0) continue;
        const range = body.ownerDocument.createRange();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + "The second part.".length);
        const selection = body.ownerDocument.getSelection();
        selection.removeAllRanges();
        selection.addRange(range);
      }
    });
    await message(page).getByRole("button", { name: "Reply", exact: true }).click();
    await expect(text(page)).toHaveValue(/wrote:\n> The second part\.\n$/);
    await send(page);
    expect((await read(friends, "INBOX", "Re: Long")).body.text).not.toContain("The first line");
  });

  test("forwarded inline and whole, its attachments never touch the device", async ({ page }) => {
    const boundary = "==b==";
    await got([
      `To: ${address(me)}`, "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Message-ID: <papers@example.org>", "MIME-Version: 1.0", `Content-Type: multipart/mixed; boundary="${boundary}"`,
    ], [
      `--${boundary}`, "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", "See the papers – bitte.", ".", "..", "From the start", `--${boundary}`,
      "Content-Type: application/pdf", "Content-Disposition: attachment; filename*=utf-8''R%C3%A9sum%C3%A9%20%E6%9D%B1%E4%BA%AC.pdf", "Content-Transfer-Encoding: base64", "",
      Buffer.alloc(3_000, 7).toString("base64").replace(/.{76}/g, "$&\r\n"), `--${boundary}--`, "",
    ].join("\r\n"));
    const requests = [];
    page.on("request", (request) => requests.push(request.url()));
    await open(page, "Grüße", "See the papers");
    await message(page).getByRole("button", { name: "Forward", exact: true }).click();
    await field(page, "To").fill(`${address(friend)},`);
    await send(page);
    const inline = await read(friends, "INBOX", "Fwd: Grüße");
    expect(inline.headers.References).toBe("<papers@example.org>");
    const [words, pdf] = leaves(inline.body);
    expect(words.text).toContain("Subject: Grüße");
    expect(words.text.replaceAll("\r\n", "\n")).toContain("See the papers – bitte.\n.\n..\nFrom the start");
    expect([pdf.name, pdf.type, pdf.size, pdf.disposition]).toEqual(["Résumé 東京.pdf", "application/pdf", 3_000, "attachment"]);
    // RFC 2231, not RFC 2047.
    expect(inline.source).toMatch(/filename\*(0\*)?=utf-8''R%C3%A9sum%C3%A9/i);
    await expect.poll(async () => (await contents(mine, "INBOX")).get("Grüße").flags.has("$Forwarded")).toBe(true);
    const menu = message(page).getByRole("button", { name: "More" });
    await menu.click();
    await page.getByRole("menuitem", { name: "Forward as attachment" }).click();
    await field(page, "To").fill(`${address(list)},`);
    await text(page).fill("Whole.");
    await send(page);
    const whole = await read(lists, "INBOX", "Fwd: Grüße");
    const attached = leaves(whole.body).find((part) => part.type === "message/rfc822");
    expect([attached.name, attached.subject]).toEqual(["Grüße.eml", "Grüße"]);
    expect(requests.filter((url) => url.includes("/part?") || url.includes("/raw?") || url.includes("/upload"))).toEqual([]);
  });

  test("edited as new, from a mail link, and to a group that was pasted", async ({ page }) => {
    await got([`To: ${address(me)}`, "Subject: Again", "Message-ID: <again@example.org>"]);
    await open(page, "Again", "The second part.");
    await message(page).getByRole("button", { name: "More" }).click();
    await page.getByRole("menuitem", { name: "Edit as new" }).click();
    await expect(text(page)).toHaveValue(/The second part\./);
    await composer(page).getByRole("button", { name: /^Remove / }).first().click();
    await expect(chips(page, "To")).toHaveCount(0);
    await field(page, "To").evaluate((input, pasted) => {
      const data = new DataTransfer();
      data.setData("text/plain", pasted);
      input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    }, `Friends: "Friend, Fré" <${address(friend)}>,\n ${address(list)};`);
    await expect(chips(page, "To")).toHaveText(["Friend, Fré", address(list)]);
    await send(page);
    const again = await read(friends, "INBOX", "Again");
    expect(again.headers.From).toBe(address(me));
    expect(again.headers.To).toBe(`"Friend, Fré" <${address(friend)}>, ${address(list)}`);
    expect([again.headers.References, again.headers["In-Reply-To"]]).toEqual([undefined, undefined]);
    expect(again.headers["Message-ID"]).not.toBe("<again@example.org>");
    await read(lists, "INBOX", "Again");
    const link = `mailto:${address(friend)}?cc=${address(list)}&subject=From%20a%20link%0D%0ABcc:%20eve@roost.test&body=One%0D%0A.%0D%0ATwo`;
    await page.goto(`${me.url}/compose?mailto=${encodeURIComponent(link)}`);
    await expect(text(page)).toHaveValue(/^One\n\.\nTwo/);
    await send(page);
    const linked = await read(friends, "INBOX", "From a link Bcc: eve@roost.test");
    expect(linked.headers.Cc).toBe(address(list));
    // What a link may not add: it is words of the subject.
    expect(linked.names).not.toContain("Bcc");
  });
});
