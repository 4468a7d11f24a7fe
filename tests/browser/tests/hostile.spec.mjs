// Hostile mail. Each vector is first shown to fire by itself, without sanitizer and frame; then all of them are read in
// Roost, and nothing runs, nothing is asked of any host but Roost's own, nothing outside the frame changes.
import { createServer } from "node:http";
import { bodyFrame, expect, newAccount, imapClient, message, rows, signIn, test } from "./roost.mjs";
import { vectors } from "./vectors.mjs";

/** How long a vector may take to fire by itself. */
const PATIENCE = 5_000;
/** How many are tried side by side. */
const PAGES = 4;
/** Vectors with an onerror handler point here: a port that browsers refuse, so nothing reaches the network. */
const NOWHERE = "http://127.0.0.1:1/";

/** A server that notes what is asked of it, and serves the raw vectors. */
async function canary() {
  const asked = [];
  const server = createServer((request, response) => {
    const [, number] = request.url.match(/^\/raw\/(\d+)$/) ?? [];
    if (number !== undefined) {
      const html = vectors[number].html.replaceAll("CANARY", `${origin}/c${number}`);
      response.writeHead(200, { "Content-Type": "text/html; charset=utf-8" }).end(html);
      return;
    }
    asked.push(request.url);
    response.writeHead(404, { "Access-Control-Allow-Origin": "*" }).end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, asked, close: () => server.close() };
}

/** Whether a request is that of a vector: by its own folder, or, where the vector leaves it, by its own file. */
const isOf = (url, index) =>
  url.startsWith(`/c${index}/`) || url.endsWith(vectors[index].html.match(/v\d{3,}/)?.[0] ?? "nothing");

test("every vector fires where nothing holds it back", async ({ browser }) => {
  test.setTimeout(600_000);
  expect(vectors.length).toBeGreaterThan(150);
  const server = await canary();
  const context = await browser.newContext();
  await context.addInitScript(() => {
    window.fired = () => (window.top === window ? (window.hit = true) : window.top.fired());
  });
  const dead = [];
  const waiting = vectors.map((_, index) => index);
  await Promise.all(
    Array.from({ length: PAGES }, async () => {
      let page = await context.newPage();
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const vector = vectors[index];
        const fired = async () =>
          vector.fires === "script"
            ? await page.evaluate(() => window.hit === true).catch(() => false)
            : server.asked.some((url) => isOf(url, index));
        const tries = 3;
        let hit = false;
        for (let attempt = 0; attempt < tries && !hit; attempt++) {
          await page.goto(`${server.origin}/raw/${index}`, { waitUntil: "commit" }).catch(() => {});
          await page.bringToFront().catch(() => {});
          hit = await expect.poll(fired, { timeout: PATIENCE, intervals: [20, 50, 100] }).toBe(true).then(() => true, () => false);
        }
        if (!hit) dead.push(vector.name);
        if (index % 60 === 59) {
          await page.close();
          page = await context.newPage();
        }
      }
    }),
  );
  server.close();
  await context.close();
  expect(dead).toEqual([]);
});

test("no vector does anything in Roost", async ({ page }) => {
  test.setTimeout(600_000);
  const server = await canary();
  const account = await newAccount("empty");
  const imap = await imapClient(account);
  const lock = await imap.getMailboxLock("INBOX");
  for (const [index, { html }] of vectors.entries()) {
    const body = Buffer.from(`${html.replaceAll("CANARY", server.origin)}<p>the end of ${index}</p>`).toString("base64");
    await imap.append(
      "INBOX",
      `From: mallory@evil.example\r\nSubject: vector ${index}\r\nMIME-Version: 1.0\r\n` +
        `Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${body.replace(/.{76}/g, "$&\r\n")}\r\n`,
    );
  }
  lock.release();

  const leaks = [];
  let reading = "nothing yet";
  await page.addInitScript(() => {
    window.fired = () => (window.top.hit = true);
  });
  const allowed = (url) =>
    url.startsWith(`${account.url}/`) || url.startsWith("data:image/") || url.startsWith("blob:") || url.startsWith("about:");
  page.on("request", (request) => {
    if (!allowed(request.url())) leaks.push(`${reading} asked for ${request.url()}`);
  });
  page.on("dialog", (dialog) => {
    leaks.push(`${reading} opened a dialog`);
    void dialog.dismiss();
  });
  page.context().on("page", (popup) => leaks.push(`${reading} opened ${popup.url()}`));

  await signIn(page, account);
  await expect(rows(page).first()).toBeVisible();
  const outside = () =>
    page.evaluate(() => [document.body.children.length, document.querySelectorAll("script, form[action], iframe").length, document.title.replace(/\(\d+\) /, "")].join());
  await page.keyboard.press("j");
  await page.keyboard.press("o");
  await expect(message(page).getByRole("heading", { name: `vector ${vectors.length - 1}` })).toBeVisible();
  const before = await outside();
  for (let index = vectors.length - 1; index >= 0; index--) {
    reading = vectors[index].name;
    await expect(message(page).getByRole("heading", { name: `vector ${index}`, exact: true })).toBeVisible();
    // Some vectors swallow what follows them: then the frame shows whatever is left of the message.
    await page.waitForFunction(() => {
      const shown = document.querySelector('iframe[title="Message body"]')?.contentDocument;
      // As HTML, not as the text that is shown instead of what cannot be.
      return shown?.documentElement.dataset.theme && !shown.querySelector("body > .plain") && !document.querySelector(".body-skeleton");
    });
    if (await page.evaluate(() => window.hit === true)) {
      leaks.push(`${reading} ran a script`);
      await page.evaluate(() => delete window.hit);
    }
    expect(await outside(), reading).toBe(before);
    if (index > 0) await page.keyboard.press("j");
  }
  // What comes late comes within this time; the raw vectors above were given the same.
  await page.waitForTimeout(PATIENCE);
  if (await page.evaluate(() => window.hit === true)) leaks.push("a script ran late");
  expect(leaks.filter((leak) => !leak.endsWith(NOWHERE))).toEqual([]);
  expect(leaks).toEqual([]);
  expect(server.asked).toEqual([]);
  expect(new URL(page.url()).origin).toBe(account.url);
  await expect(bodyFrame(page).locator("script, iframe, object, embed, form, svg, math, meta, base, link")).toHaveCount(await bodyFrame(page).locator("head > meta").count());
  server.close();
  await imap.logout();
});
