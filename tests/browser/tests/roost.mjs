// What every test uses: an account of its own, the way a person signs in, and a plain IMAP client as another device.
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { expect, test as base } from "@playwright/test";
import { ImapFlow } from "imapflow";
import { Person } from "./person.mjs";

/** Where the stage of this worker is. */
const place = () => JSON.parse(process.env.ROOST_STAGES)[Number(process.env.TEST_PARALLEL_INDEX ?? 0)];

/** Tells the stage to do something and waits until it is done. */
export async function stage(command) {
  const { control } = place();
  const socket = connect(control, "127.0.0.1");
  socket.write(`${JSON.stringify(command)}\n`);
  for await (const line of createInterface({ input: socket })) {
    socket.destroy();
    const reply = JSON.parse(line);
    if (reply.error) throw new Error(reply.error);
    return reply.ok;
  }
}

/** A new account with mail. */
export async function newAccount(seed) {
  const { password, url, imap: imapPort } = place();
  return { name: await stage({ do: "user", seed }), password, url, imapPort };
}

/** A plain IMAP client on the account. */
export async function imapClient(account) {
  const client = new ImapFlow({
    host: "127.0.0.1", port: account.imapPort, secure: false, tls: { rejectUnauthorized: false }, logger: false,
    auth: { user: account.name, pass: account.password },
  });
  await client.connect();
  return client;
}

/** Fills in the form that asks who is there, on a page or over one, and sends it. */
export async function enter(page, { name, password }, { shared = false } = {}) {
  await page.getByLabel("Username").fill(name);
  await page.getByLabel("Password").fill(password);
  if (shared) await page.getByLabel(/shared/i).check();
  await page.getByRole("button", { name: "Sign in" }).click();
}

export async function signIn(page, account) {
  await page.goto(account.url);
  await enter(page, account);
  await expect(page.getByRole("grid", { name: "Messages" })).toBeVisible();
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText(/Live/);
  // So named once the folders are known.
  await expect(page).toHaveTitle(/Inbox/);
}

/** Until the tab says `said`. A gateway or browser that started anew knows nobody any more, and at some moment asks who is there. */
export async function signInAgain(page, account, said) {
  await expect(async () => {
    if (await page.getByRole("button", { name: "Sign in" }).isVisible()) await enter(page, account);
    await expect(page.getByRole("status", { name: "Connection" })).toHaveText(said, { timeout: 2_000 });
  }).toPass({ timeout: 45_000 });
}

/** Opens the question that signing out asks. */
export async function askToSignOut(page) {
  const out = page.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: "Sign out" });
  const menu = page.getByRole("button", { name: "Show mailboxes" });
  if (await menu.isVisible()) await menu.click();
  await out.click();
  return page.getByRole("dialog", { name: "Sign out" });
}

/** Signs out; mail stays on the device where `keep` says so. */
export async function signOut(page, { keep = false } = {}) {
  const dialog = await askToSignOut(page);
  if (keep) await dialog.getByLabel("Keep mail on this device").check();
  await dialog.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("Username")).toBeVisible();
}

export const rows = (page) => page.getByRole("grid", { name: "Messages" }).getByRole("row");
export const row = (page, name) => page.getByRole("grid", { name: "Messages" }).getByRole("row", { name }).first();
/** The subject of the nth row, once that is there: the list shows before its rows have come. */
export const subjectOf = async (page, index) => (await rows(page).nth(index).locator(".subject").textContent()).trim();
export const bodyFrame = (page) => page.frameLocator('iframe[title="Message body"]');
export const message = (page) => page.getByRole("region", { name: "Message", exact: true });

/** What one of the device's stores has, by one of its methods: `count`, `getAllKeys`, or `getAll` as texts. */
export const stored = (page, store, method) =>
  page.evaluate(
    ([store, method]) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open("roost");
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const all = opening.result.transaction(store).objectStore(store)[method]();
          all.onsuccess = () => {
            opening.result.close();
            resolve(method === "getAll" ? all.result.map((one) => new TextDecoder().decode(one.bytes ?? one)) : all.result);
          };
        };
      }),
    [store, method],
  );
/** The keys of what is kept of mail. */
export const kept = (page) => stored(page, "mail", "getAllKeys");
/** All that is kept of messages being written, as one text. */
export const draftsKept = async (page) => (await stored(page, "drafts", "getAll")).join("\n");
/** The app itself is here, whole: it was kept once its service worker had all of it. */
export const appIsKept = (page) => page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
/** The inbox can be shown without a line. */
export const inboxIsKept = (page) => expect.poll(async () => (await kept(page)).filter((key) => key.includes("INBOX")).length).toBeGreaterThan(1);

/**
 * As in browsers whose workers end with their last page: what is loaded anew starts from what is kept. Elsewhere it finds the
 * worker of the page before, with all that it has in memory.
 */
export const endWorkersWithPages = (context) =>
  context.addInitScript(() => {
    const { SharedWorker } = window;
    window.SharedWorker = function (url, options) {
      return new SharedWorker(url, { ...options, extendedLifetime: false });
    };
  });

/** As on a line that costs: nothing is fetched ahead. */
export const saveData = (page) =>
  page.addInitScript(() => {
    const connection = Object.assign(new EventTarget(), { saveData: true });
    Object.defineProperty(Navigator.prototype, "connection", { get: () => connection });
  });

/** The shared workers of a page's browser, not those of others that live on for a while: as targets of the session. */
export async function sharedWorkers(page, session) {
  const own = await page.context().newCDPSession(page);
  const { targetInfo } = await own.send("Target.getTargetInfo");
  await own.detach();
  const { targetInfos } = await session.send("Target.getTargets");
  return targetInfos.filter((one) => one.type === "shared_worker" && one.browserContextId === targetInfo.browserContextId);
}

/** In the page, from its start: notes when the first rows are on screen. */
export const watchRows = () => {
  // Behind the sign-in form a row is drawn that nobody sees.
  const look = () => {
    if (!document.querySelector('[role="row"]:not(.skeleton)')?.checkVisibility({ visibilityProperty: true })) return requestAnimationFrame(look);
    window.rowsAt ??= performance.now();
    console.debug("rows");
  };
  requestAnimationFrame(look);
};

/** Resolves when a page that watches says that its rows are there. It is not asked: a question is 300 KB of script, which
 * the page takes in while it should start. */
export const rowsSeen = (page) => page.waitForEvent("console", { predicate: (message) => message.text() === "rows", timeout: 120_000 });

/** Before a page is opened. The function that it gives waits for the rows and tells what went over the line until then:
 * until the page asks for the rest of the app, which is held back meanwhile. The stage does not count the rest itself: on a
 * busy machine the worker, whose requests cannot be held back, fetches it before the page has come so far. */
export async function measureStart(page) {
  await page.addInitScript(watchRows);
  await stage({ do: "traffic" });
  const start = new Promise((resolve) => {
    page.route("**/*_rest.wasm", async (route) => {
      // A page that needs something of the rest before the rows waits for it, and answers nothing.
      const never = new Promise((resolve) => setTimeout(resolve, 10_000));
      const rows = page.waitForFunction(() => window.rowsAt).then((at) => at.jsonValue(), () => undefined);
      const rowsAt = await Promise.race([rows, never]);
      resolve({ rowsAt, ...(await stage({ do: "traffic" })) });
      await route.continue();
    });
  });
  return async () => {
    const { rowsAt, bytes, requests } = await start;
    expect(rowsAt, "the rest of the app was needed too early: cargo xtask profile").toBeTruthy();
    return { bytes, requests };
  };
}

/** What a mailbox holds, as the other client sees it: subject → flags. */
export async function contents(client, mailbox) {
  const lock = await client.getMailboxLock(mailbox);
  try {
    const all = new Map();
    // A server tells of deleted messages between commands, but not in the answer to FETCH.
    await client.noop();
    if (client.mailbox.exists === 0) return all;
    for await (const one of client.fetch("1:*", { envelope: true, flags: true, uid: true })) {
      // The flags of a message may come by themselves, when another device changes them meanwhile.
      if (one.envelope) all.set(one.envelope.subject ?? "", { uid: one.uid, flags: one.flags });
    }
    return all;
  } finally {
    lock.release();
  }
}

/** In the page, from its start: the worker is `lag` milliseconds away, each way. What a page still has to say when it goes is said. */
const keepWorkerAway = (lag) => {
  const { postMessage } = MessagePort.prototype;
  const unsaid = new Set();
  let going = false;
  addEventListener("pagehide", () => {
    going = true;
    for (const say of unsaid) say();
  });
  addEventListener("pageshow", () => (going = false));
  MessagePort.prototype.postMessage = function (...message) {
    const say = () => unsaid.delete(say) && postMessage.apply(this, message);
    unsaid.add(say);
    if (going) say();
    else setTimeout(say, lag);
  };
  const onmessage = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
  const set = function (heard) {
    onmessage.set.call(this, heard && ((event) => setTimeout(() => heard(event), lag)));
  };
  Object.defineProperty(MessagePort.prototype, "onmessage", { ...onmessage, set });
};

/** The page runs `rate` times slower than it could. */
const slowDown = async (page, rate) => {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
};

/** Tests with an account, seeded by `test.use({ seed })`. */
export const test = base.extend({
  browser: [
    async ({ browser }, use) => {
      const [lag, rate] = ["ROOST_WORKER_LAG", "ROOST_SLOW_PAGE"].map((name) => Number(process.env[name] ?? 0));
      const { newContext } = browser;
      browser.newContext = async (options) => {
        const context = await newContext.call(browser, options);
        if (lag > 0) await context.addInitScript(keepWorkerAway, lag);
        if (rate > 1) context.on("page", (page) => slowDown(page, rate).catch(() => {}));
        return context;
      };
      await use(browser);
    },
    { scope: "worker" },
  ],
  seed: ["demo", { option: true }],
  account: async ({ seed }, use) => use(await newAccount(seed)),
  person: async ({ page, isMobile }, use) => use(new Person(page, isMobile)),
  imap: async ({ account }, use) => {
    const client = await imapClient(account);
    await use(client);
    await client.logout().catch(() => client.close());
  },
});

export { expect };
