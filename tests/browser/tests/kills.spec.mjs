// The tab and the worker are killed at random moments of typing, saving, uploading and sending. Whatever happens: what was
// typed is there but for the last moment, at most one message is delivered, there is one draft, and what is told is true.
import { contents, expect, imapClient, newAccount, sharedWorkers, signIn, test } from "./roost.mjs";

test.use({ seed: "many:3" });

const text = (page) => page.getByRole("textbox", { name: "Message text" });
const field = (page, name) => page.getByRole("combobox", { name, exact: true });
const subject = (page) => page.getByRole("textbox", { name: "Subject" });
const sendButton = (page) => page.getByRole("button", { name: "Send", exact: true });
/** What is typed is kept in less than a second, also on a machine on which two browsers work. */
const KEPT_AFTER = 1_000;
const SEED = Number(process.env.ROOST_SEED ?? 1);

/** Numbers that follow from a seed (mulberry32). */
function chance(seed) {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** How many messages of that subject a mailbox has. */
async function count(client, mailbox, about) {
  const lock = await client.getMailboxLock(mailbox).catch(() => undefined);
  if (!lock) return 0;
  try {
    await client.noop();
    return ((await client.search({ header: { subject: about } })) || []).length;
  } finally {
    lock.release();
  }
}

/** The text of the newest draft of that subject. */
async function draftText(client, about) {
  const lock = await client.getMailboxLock("Drafts");
  try {
    await client.noop();
    const found = (await client.search({ header: { subject: about } }, { uid: true })) || [];
    if (found.length === 0) return "";
    const { source } = (await client.fetchOne(String(found.at(-1)), { source: true }, { uid: true })) || {};
    // Another may have taken its place meanwhile.
    return (source ?? "").toString().split("\r\n\r\n").slice(1).join("\r\n\r\n");
  } finally {
    lock.release();
  }
}

const ways = {
  async "the tab is closed"(page) {
    await page.close({ runBeforeUnload: false });
  },
  async "the tab crashes"(page) {
    const session = await page.context().newCDPSession(page);
    const gone = new Promise((resolve) => page.once("crash", resolve));
    void session.send("Page.crash").catch(() => {});
    await gone;
    await page.close();
  },
  async "the worker is ended"(page) {
    const session = await page.context().browser().newBrowserCDPSession();
    const [worker] = await sharedWorkers(page, session);
    // The page begins anew by itself.
    const again = page.waitForEvent("load", { timeout: 15_000 });
    await session.send("Target.closeTarget", { targetId: worker.targetId });
    await again;
    await session.detach();
  },
};

for (const [name, kill] of Object.entries(ways)) {
  test(`${name}, anywhere`, async ({ browser, account, imap }) => {
    test.setTimeout(240_000);
    const friend = await newAccount("many:3");
    const friends = await imapClient(friend);
    const below = chance(SEED * 1_000 + name.length);
    const context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
    await context.addInitScript(() => localStorage.setItem("roost.prefs", "hold=0\n"));
    const first = await context.newPage();
    await signIn(first, account);
    let page = first;
    for (let round = 0; round < 6; round += 1) {
      const about = `${name} ${round}`;
      const history = [`seed ${SEED}, round ${round}`];
      await page.goto(account.url);
      await page.getByRole("button", { name: "Compose" }).filter({ visible: true }).click();
      await expect(text(page)).toBeVisible();
      const url = page.url();
      await field(page, "To").fill(`${friend.name}@roost.test,`);
      await subject(page).fill(about);
      await text(page).focus();
      // Every key with its time: what was typed long enough before the end must be there.
      const keys = [];
      let killed = false;
      const words = `words of round ${round} that somebody needs`;
      const typing = (async () => {
        for (const key of words) {
          if (killed) return;
          await page.keyboard.type(key);
          keys.push([key, Date.now()]);
          await wait(5 + below(30));
        }
      })();
      const doing = round % 3;
      let acting = typing;
      if (doing === 1) {
        acting = typing.then(() => page.evaluate(() => {
          const files = new DataTransfer();
          files.items.add(new File([new Uint8Array(3_000_000)], "large.bin"));
          const input = document.querySelector('input[aria-label="Attach files"]');
          input.files = files.files;
          input.dispatchEvent(new Event("change"));
        }));
      } else if (doing === 2) {
        acting = typing.then(() => sendButton(page).click({ timeout: 5_000 }));
      }
      acting.catch(() => {});
      // A worker that ends in its first second is not replaced (`boot.js`).
      if (doing === 0) await wait(1_100 + below(2_700));
      else {
        await typing;
        await wait(below(doing === 1 ? 500 : 900));
      }
      const sent = doing === 2;
      const killedAt = Date.now();
      killed = true;
      await kill(page);
      await acting.catch(() => {});
      const due = keys.filter(([, at]) => at < killedAt - KEPT_AFTER).map(([key]) => key).join("");
      history.push(`killed after ${keys.length} keys`);
      const live = () => expect(page.getByRole("status", { name: "Connection" })).toHaveText(/Live/, { timeout: 20_000 });
      if (page.isClosed()) page = await context.newPage();
      else await live();
      await page.goto(url);
      await live();
      // Either it is being written, or it went.
      const isBack = () => text(page).isVisible();
      const went = async () => sent && (await count(friends, "INBOX", about)) === 1;
      await expect.poll(async () => (await isBack()) || (await went()), { message: history.join(", "), timeout: 20_000 }).toBe(true);
      if (await isBack()) {
        expect(words.startsWith(await text(page).inputValue()), history.join(", ")).toBe(true);
        expect((await text(page).inputValue()).startsWith(due), `${due} | ${history.join(", ")}`).toBe(true);
        expect(await count(friends, "INBOX", about), history.join(", ")).toBe(0);
        await page.getByRole("button", { name: "Save and close" }).click();
        // The one that was saved before may be there until this save is done.
        const saved = async () => [await count(imap, "Drafts", about), (await draftText(imap, about)).includes(due)];
        await expect.poll(saved, { message: `${due} | ${history.join(", ")}`, timeout: 20_000 }).toEqual([1, true]);
      } else {
        await expect.poll(() => count(friends, "INBOX", about), { message: history.join(", "), timeout: 20_000 }).toBe(1);
        await expect.poll(() => count(imap, "Sent", about), { message: history.join(", ") }).toBe(1);
        await expect.poll(() => count(imap, "Drafts", about), { message: history.join(", ") }).toBe(0);
      }
    }
    // Nothing came twice, and nothing came later that was said not to be sent.
    for (let round = 0; round < 6; round += 1) {
      const about = `${name} ${round}`;
      const [came, drafts] = [await count(friends, "INBOX", about), await count(imap, "Drafts", about)];
      expect([came, drafts], about).toEqual(came === 1 ? [1, 0] : [0, 1]);
    }
    await friends.logout();
    await context.close();
  });
}
