// Measures Roost on the real thing and writes target/bench/report.json. `cargo xtask bench` builds and calls it.
// Arguments: --rows N (the size of the large mailbox, 1,000,000 by default), --runs N (21 by default), --only PARTS (of startUp,
// reloading, opening, pushing, writing, uploading, memory, catchingUp, searching and scrolling, with commas).
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { chromium } from "@playwright/test";
import { ImapFlow } from "imapflow";
import { CHROMIUM } from "./playwright.config.mjs";
import { announce, startStage } from "./stage.mjs";

const argument = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const RUNS = argument("runs", 21);
const LARGE = argument("rows", 1_000_000);

const ONLY = process.argv[process.argv.indexOf("--only") + 1 || process.argv.length];

const say = (text) => console.log(`==> ${text}`);
const sorted = (values) => [...values].sort((a, b) => a - b);
const quantile = (values, q) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * q))];
const median = (values) => Math.round(quantile(values, 0.5) * 10) / 10;

const theStage = await startStage("release");
announce([theStage]);
const { appIsKept, endWorkersWithPages, enter, sharedWorkers, stage, newAccount, signIn, measureStart, rowsSeen, watchRows, inboxIsKept, kept, rows, expect } = await import("./tests/roost.mjs");
const browser = await chromium.launch(CHROMIUM);
const report = {
  how: `medians of ${RUNS} runs on one machine in one run; headless Chromium, real Dovecot over loopback, release build`,
};
const VIEWPORT = { viewport: { width: 1360, height: 1500 } };

/** Signs in by the form; the page notes when it was clicked and when the rows were there. */
async function clickSignIn(page, account) {
  await page.goto(account.url);
  await page.getByRole("button", { name: "Sign in" }).evaluate((button) => {
    button.addEventListener("click", () => (window.clickedAt = performance.now()), true);
  });
  await enter(page, account);
}

/** A device that starts for the first time. */
async function startUp() {
  say("cold start, sign-in");
  const account = await newAccount("many:20000");
  const [bytes, requests, signins] = [[], [], []];
  for (let run = 0; run < Math.min(RUNS, 11); run++) {
    const context = await browser.newContext({ ...VIEWPORT, serviceWorkers: "block" });
    const page = await context.newPage();
    const start = await measureStart(page);
    await clickSignIn(page, account);
    const traffic = await start();
    bytes.push(traffic.bytes);
    requests.push(traffic.requests);
    signins.push(await page.evaluate(() => window.rowsAt - window.clickedAt));
    await context.close();
  }
  report.cold_bytes = median(bytes);
  report.cold_requests = median(requests);
  report.signin_to_rows_ms = median(signins);
}

/** A device that keeps mail and app and starts again, with and without a line. */
async function reloading() {
  say("reload");
  const account = await newAccount("many:20000");
  const context = await browser.newContext(VIEWPORT);
  const page = await context.newPage();
  await page.addInitScript(watchRows);
  await signIn(page, account);
  await appIsKept(page);
  await inboxIsKept(page);
  report.reload_to_rows_ms = {};
  report.reload_to_paint_ms = {};
  for (const line of ["on", "off"]) {
    await stage({ do: "line", down: line === "off" });
    const [times, paints] = [[], []];
    for (let run = 0; run < RUNS; run++) {
      const seen = rowsSeen(page);
      await page.reload({ waitUntil: "commit" });
      await seen;
      times.push(await page.evaluate(() => window.rowsAt));
      const paint = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
      paints.push(await paint.jsonValue());
    }
    report.reload_to_rows_ms[line] = median(times);
    report.reload_to_paint_ms[line] = median(paints);
  }
  await stage({ do: "line", down: false });
  await context.close();
}

/** From the click to the frame that holds the text. */
async function open(page, index) {
  return page.evaluate(async (index) => {
    const row = document.querySelectorAll('[role="row"]:not(.skeleton)')[index];
    const subject = row.querySelector(".subject").textContent;
    const number = subject.match(/\d+$/)[0];
    const started = performance.now();
    row.click();
    for (;;) {
      const frame = document.querySelector('iframe[title="Message body"]');
      if (frame?.contentDocument?.body?.textContent.includes(`number ${number}.`)) return performance.now() - started;
      await new Promise(requestAnimationFrame);
    }
  }, index);
}

async function opening() {
  say("opening messages");
  const account = await newAccount("many:20000");
  const [prefetched, fetched] = [[], []];
  for (let run = 0; run < Math.ceil(RUNS / 3); run++) {
    const context = await browser.newContext(VIEWPORT);
    const page = await context.newPage();
    await signIn(page, account);
    await rows(page).first().waitFor();
    await page.waitForTimeout(1_500);
    await open(page, 0);
    for (const index of [2, 4, 6]) prefetched.push(await open(page, index));
    for (const index of [14, 16]) fetched.push(await open(page, index));
    await context.close();
  }
  report.open_ms = { prefetched: median(prefetched), not_prefetched: median(fetched) };
}

/** A bare IMAP client that idles: what any other device sees. */
async function idler(account) {
  const socket = connect(account.imapPort, "127.0.0.1");
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const until = async (test) => {
    for (;;) {
      const { value } = await lines.next();
      if (test(value)) return value;
    }
  };
  await until((line) => line.startsWith("* OK"));
  for (const [tag, command] of [["a", `LOGIN ${account.name} ${account.password}`], ["b", "SELECT INBOX"]]) {
    socket.write(`${tag} ${command}\r\n`);
    await until((line) => line.startsWith(`${tag} OK`));
  }
  socket.write("c IDLE\r\n");
  await until((line) => line.startsWith("+"));
  return { next: () => until((line) => / EXISTS$/.test(line)), close: () => socket.destroy() };
}

async function pushing() {
  say("changes of another device");
  const account = await newAccount("many:2000");
  const context = await browser.newContext(VIEWPORT);
  const page = await context.newPage();
  let seen;
  await page.exposeFunction("seen", (subject) => seen?.(subject));
  await signIn(page, account);
  await page.evaluate(() => {
    let last;
    const look = () => {
      const subject = document.querySelector('[role="row"]:not(.skeleton) .subject')?.textContent;
      if (subject !== last) window.seen((last = subject));
      requestAnimationFrame(look);
    };
    look();
  });
  const client = new ImapFlow({ host: "127.0.0.1", port: account.imapPort, secure: false, logger: false, auth: { user: account.name, pass: account.password } });
  await client.connect();
  const bare = await idler(account);
  const [push, idle] = [[], []];
  for (let run = 0; run < RUNS; run++) {
    const subject = `pushed ${run}`;
    const shown = new Promise((resolve) => (seen = (text) => text === subject && resolve(performance.now())));
    const heard = bare.next().then(() => performance.now());
    const started = performance.now();
    await client.append("INBOX", `From: x@example.org\r\nSubject: ${subject}\r\n\r\nHello\r\n`);
    push.push((await shown) - started);
    idle.push((await heard) - started);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  bare.close();
  await client.logout();
  await context.close();
  report.push_ms = median(push);
  report.bare_idle_ms = median(idle);
  report.push_over_idle_ms = median(push.map((value, run) => value - idle[run]));
}

/** Has the page note its longest task (Long Tasks API: those of at least 50 ms) in `window.longest`, in ms. */
const watchTasks = () => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longest = Math.max(window.longest, task.duration);
  }).observe({ type: "longtask", buffered: true });
};

/** The longest task since the page was asked last. */
const longestTask = (page) =>
  page.evaluate(() => {
    const { longest } = window;
    window.longest = 0;
    return Math.round(longest);
  });

/** Scrolls for some seconds and tells how long frames took. */
async function scroll(page) {
  return page.evaluate(async () => {
    const list = document.querySelector('[aria-label="Messages"]');
    const frames = [];
    let before = performance.now();
    for (let step = 0; step < 300; step++) {
      list.scrollTop += 120;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      frames.push(now - before);
      before = now;
    }
    return frames;
  });
}

/** What the processes of page and worker have for themselves, in bytes: all renderers of the browser. */
async function memoryOfRenderers() {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const own = ({ id }) => 1024 * Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"))[1]);
  return processInfo.filter(({ type }) => type === "renderer").reduce((sum, one) => sum + own(one), 0);
}

/** Puts a text into the search field; resolves when a row shows `row`, with the time. */
const searchFor = (page, text, row) =>
  page.evaluate(
    async ({ text, row }) => {
      const field = document.querySelector('input[type="search"]');
      const started = performance.now();
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      for (;;) {
        const first = document.querySelector('[role="row"]:not(.skeleton) .subject')?.textContent;
        if (first?.includes(row)) return performance.now() - started;
        await new Promise(requestAnimationFrame);
      }
    },
    { text, row },
  );

/** Scrolls to a share of the list; resolves once every row on screen is there, with the time. */
const settled = (page, share) =>
  page.evaluate(async (share) => {
    const list = document.querySelector('[aria-label="Messages"]');
    const started = performance.now();
    list.scrollTop = list.scrollHeight * share;
    for (;;) {
      await new Promise(requestAnimationFrame);
      const shown = [...document.querySelectorAll('[role="row"]')].filter((row) => {
        const box = row.getBoundingClientRect();
        return box.bottom > 200 && box.top < innerHeight;
      });
      if (shown.length > 5 && shown.every((row) => !row.classList.contains("skeleton"))) return performance.now() - started;
    }
  }, share);

async function scrolling() {
  for (const name of ["scroll_frame_p95_ms", "longest_task_ms", "longest_task_untouched_ms", "jump_to_middle_ms", "first_rows_ms", "renderer_bytes", "server_search_ms", "local_search_of_kept_ms"]) report[name] = {};
  for (const count of [20_000, LARGE]) {
    say(`a mailbox of ${count} messages (seeding first)`);
    const account = await newAccount(count > 50_000 ? `one-file:${count}` : `many:${count}`);
    const context = await browser.newContext(VIEWPORT);
    const page = await context.newPage();
    await page.addInitScript(watchRows);
    await page.addInitScript(watchTasks);
    // The first sign-in has Dovecot make its index.
    await signIn(page, account);
    await rows(page).first().waitFor({ timeout: 300_000 });
    const again = await browser.newContext(VIEWPORT);
    const second = await again.newPage();
    await second.addInitScript(watchRows);
    const seen = rowsSeen(second);
    await clickSignIn(second, account);
    await seen;
    report.first_rows_ms[count] = Math.round(await second.evaluate(() => window.rowsAt - window.clickedAt));
    await again.close();
    // From here on the background fill is under way.
    await longestTask(page);
    const frames = await scroll(page);
    report.jump_to_middle_ms[count] = Math.round(await settled(page, 0.5));
    frames.push(...(await scroll(page)));
    report.scroll_frame_p95_ms[count] = Math.round(quantile(frames, 0.95) * 10) / 10;
    report.longest_task_ms[count] = await longestTask(page);
    await page.waitForTimeout(20_000);
    report.longest_task_untouched_ms[count] = await longestTask(page);
    report.renderer_bytes[count] = await memoryOfRenderers();
    // The oldest message: only the server has it.
    report.server_search_ms[count] = Math.round(await searchFor(page, 'subject:"meeting 0"', "meeting 0"));
    const newest = count - 1_000;
    report.local_search_of_kept_ms[count] = Math.round(await searchFor(page, `subject:${newest}`, ` ${newest}`));
    await context.close();
  }
}

/** Writing: until the form is there; from "Send" to the row in Sent on a second device. */
async function writing() {
  say("writing and sending");
  const account = await newAccount("many:200");
  const device = async () => {
    const context = await browser.newContext(VIEWPORT);
    await context.addInitScript(() => localStorage.setItem("roost.prefs", "hold=0\n"));
    const page = await context.newPage();
    await signIn(page, account);
    return page;
  };
  const [page, other] = [await device(), await device()];
  await other.getByRole("navigation", { name: "Mailboxes" }).getByRole("button", { name: /^Sent/ }).click();
  const [opens, sends] = [[], []];
  for (let run = 0; run < Math.min(RUNS, 11); run++) {
    opens.push(
      await page.evaluate(async () => {
        const started = performance.now();
        document.querySelector(".mailboxes .compose").click();
        while (!document.querySelector('textarea[aria-label="Message text"]')) await new Promise(requestAnimationFrame);
        return performance.now() - started;
      }),
    );
    await page.getByRole("combobox", { name: "To", exact: true }).fill(`${account.name}@roost.test,`);
    await page.getByRole("textbox", { name: "Subject" }).fill(`sent ${run}`);
    await page.getByRole("textbox", { name: "Message text" }).fill("Hello");
    const started = performance.now();
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await rows(other).filter({ hasText: `sent ${run}` }).first().waitFor();
    sends.push(performance.now() - started);
  }
  report.compose_open_ms = median(opens);
  report.send_ms = median(sends);
  for (const one of [page, other]) await one.context().close();
}

/** Signs in without a browser; gives what uploads 25 MB. */
async function uploader() {
  const { name, password, url } = await newAccount("many:3");
  const { origin } = new URL(url);
  const headers = { origin, "content-type": "application/json" };
  const signedIn = await fetch(`${origin}/api/session`, { method: "POST", headers, body: JSON.stringify({ username: name, password, shared: false }) });
  if (!signedIn.ok) throw new Error(`sign-in: ${signedIn.status}`);
  const cookie = signedIn.headers.get("set-cookie").split(";")[0];
  const { account } = await signedIn.json();
  return async () => {
    const reply = await fetch(`${origin}/api/a/${account}/upload`, { method: "POST", body: CONTENT, headers: { cookie, origin } });
    if (!reply.ok) throw new Error(`upload: ${reply.status}`);
  };
}
const CONTENT = Buffer.alloc(25_000_000, 7);

/** The speed of an upload, and what the gateway needs while 20 people upload at once. */
async function uploading() {
  say("uploading");
  const people = [];
  for (let person = 0; person < 20; person++) people.push(await uploader());
  const speeds = [];
  for (let run = 0; run < 5; run++) {
    const started = performance.now();
    await people[0]();
    speeds.push(25_000 / (performance.now() - started));
  }
  report.upload_mb_per_s = median(speeds);
  const before = await stage({ do: "memory" });
  let most = before;
  let done = false;
  const watching = (async () => {
    while (!done) {
      most = Math.max(most, await stage({ do: "memory" }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await Promise.all(people.map((upload) => upload()));
  done = true;
  await watching;
  report.gateway_bytes_while_20_upload_25_mb = most - before;
}

/** From the start of a device that was away to the inbox as it is now: the time, and what went over the line. Of the
 * changes, eight tenths are flags, one is deletions, one is new mail. */
async function catchingUp() {
  report.catchup = {};
  for (const [count, changes] of [[20_000, 1_000], [100_000, 50_000]]) {
    say(`catching up: ${changes} changes of ${count} messages (seeding first)`);
    const account = await newAccount(`many:${count}`);
    const context = await browser.newContext(VIEWPORT);
    await endWorkersWithPages(context);
    const page = await context.newPage();
    await signIn(page, account);
    await appIsKept(page);
    await scroll(page);
    await page.waitForTimeout(2_000);
    report.store_bytes_per_message = await page.evaluate(
      () =>
        new Promise((resolve) => {
          indexedDB.open("roost").onsuccess = ({ target: { result: database } }) => {
            const mail = database.transaction("mail").objectStore("mail");
            // A page of summaries is named by four parts; a full one holds 256.
            const pages = [];
            mail.openCursor().onsuccess = ({ target: { result: at } }) => {
              if (at) {
                if (at.key.split("\0").length === 4) pages.push(at.value.byteLength);
                at.continue();
                return;
              }
              database.close();
              pages.sort((a, b) => a - b);
              resolve(Math.round(pages[Math.floor(pages.length / 2)] / 256));
            };
          };
        }),
    );
    await page.goto("about:blank");
    // A device that is away has no worker that goes on.
    const session = await browser.newBrowserCDPSession();
    await expect.poll(async () => (await sharedWorkers(page, session)).length).toBe(0);
    await session.detach();
    const client = new ImapFlow({ host: "127.0.0.1", port: account.imapPort, secure: false, logger: false, auth: { user: account.name, pass: account.password } });
    await client.connect();
    const lock = await client.getMailboxLock("INBOX");
    const tenth = changes / 10;
    await client.messageFlagsAdd(`1:${8 * tenth}`, ["$Away"]);
    await client.messageDelete(`${8 * tenth + 1}:${9 * tenth}`);
    lock.release();
    // By way of a small mailbox: Dovecot reads the directory of a large one at each APPEND.
    for (let number = 0; number < tenth; number++) await client.append("Archive", `From: x@example.org\r\nSubject: away ${number}\r\n\r\nHello\r\n`);
    const archive = await client.getMailboxLock("Archive");
    await client.messageMove("1:*", "INBOX");
    archive.release();
    await client.logout();
    await stage({ do: "traffic" });
    const started = performance.now();
    await page.goto(account.url);
    await rows(page).filter({ hasText: `away ${tenth - 1}` }).first().waitFor({ timeout: 120_000 });
    report.catchup[changes] = { ms: Math.round(performance.now() - started), of_messages: count };
    // Until nothing is asked for any more.
    let bytes = 0;
    for (let quiet = 0; quiet < 3; ) {
      const more = (await stage({ do: "traffic" })).bytes;
      bytes += more;
      quiet = more > 2_000 ? 0 : quiet + 1;
      await page.waitForTimeout(500);
    }
    report.catchup[changes].bytes = bytes;
    await context.close();
  }
}

/** The fill of a large mailbox, and searching what is on this device while it is typed: from each key to the rows that
 * match. */
async function searching() {
  const count = 100_000;
  say(`searching ${count} summaries on this device (filling first)`);
  const account = await newAccount(`many:${count}`);
  const context = await browser.newContext(VIEWPORT);
  await context.addInitScript((count) => localStorage.setItem("roost.prefs", `inbox=${count}\nothers=0\n`), count);
  const page = await context.newPage();
  await page.addInitScript(watchTasks);
  await signIn(page, account);
  await longestTask(page);
  const started = performance.now();
  await expect.poll(async () => (await kept(page)).filter((key) => key.split("\0").length === 4).length, { timeout: 1_200_000, intervals: [2_000] }).toBeGreaterThanOrEqual(Math.floor(count / 256));
  report.fill_seconds = Math.round((performance.now() - started) / 1_000);
  report.longest_task_filling_ms = await longestTask(page);
  await stage({ do: "line", down: true });
  // The first search reads what is kept.
  report.local_search_first_ms = Math.round(await searchFor(page, "subject:10000", " 10000"));
  const times = [];
  for (let run = 0; run < RUNS; run++) {
    // Messages all over the mailbox, whose number no other has.
    const number = 10_001 + Math.round((run * 89_990) / RUNS);
    times.push(await searchFor(page, `subject:${number}`, ` ${number}`));
    await page.waitForTimeout(50);
  }
  report.local_search_ms = median(times);
  await stage({ do: "line", down: false });
  await context.close();
}

/** What an idle device costs the gateway, once the connections that a start needed are closed. What the first devices cost
 * the account is no device's own. They come five at a time: of many starts at once, the process keeps the room. */
async function memory() {
  say("gateway memory for idle devices");
  const account = await newAccount("many:2000");
  const contexts = [];
  const five = async () => {
    for (let one = 0; one < 5; one++) {
      contexts.push(await browser.newContext());
      await signIn(await contexts.at(-1).newPage(), account);
    }
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    return stage({ do: "memory" });
  };
  const first = await five();
  let last;
  while (contexts.length < 25) last = await five();
  report.gateway_bytes_per_idle_device = Math.round((last - first) / (contexts.length - 5));
  for (const context of contexts) await context.close();
}

try {
  const parts = [startUp, reloading, opening, pushing, writing, uploading, memory, catchingUp, searching, scrolling];
  for (const part of parts.filter(({ name }) => !ONLY || ONLY.split(",").includes(name))) {
    await part();
    writeFileSync(new URL("../../target/bench/report.json", import.meta.url), `${JSON.stringify(report, null, 2)}\n`);
  }
  console.log(JSON.stringify(report, null, 2));
} finally {
  await browser.close();
  await theStage.stop();
}
