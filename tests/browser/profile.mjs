// Starts the app as people do and writes the numbers of the functions that ran, in page or worker, to target/profile.json.
// `cargo xtask profile` builds the app for it and calls it.
import { writeFileSync } from "node:fs";
import { chromium, devices } from "@playwright/test";
import { CHROMIUM } from "./playwright.config.mjs";
import { announce, startStage } from "./stage.mjs";

const theStage = await startStage();
announce([theStage]);
const { enter, newAccount, rows, stage } = await import("./tests/roost.mjs");
const browser = await chromium.launch(CHROMIUM);
const called = new Set();
const marked = () => [...new Uint8Array(globalThis.roostMarks.buffer)].flatMap((mark, number) => (mark ? [number] : []));
/** At the end of each page: what runs when it is left belongs to it, and its worker cannot be asked afterwards. */
const note = async (page) => {
  await page.evaluate(() => dispatchEvent(new Event("pagehide")));
  const add = async (place) => (await place.evaluate(marked)).forEach((number) => called.add(number));
  await add(page);
  // The worker goes on at once with what it got: it keeps it.
  await page.waitForTimeout(700);
  for (const worker of page.workers()) await add(worker);
};

/** Before the worker's own code: it has no line. */
const NO_LINE = `
  const reach = self.fetch;
  self.fetch = (request, ...more) =>
    String(request.url ?? request).includes("/api/") ? Promise.reject(new TypeError("no line")) : reach(request, ...more);
  self.WebSocket = class extends EventTarget {
    constructor() {
      super();
      setTimeout(() => ["error", "close"].forEach((name) => (this["on" + name]?.(new Event(name)), this.dispatchEvent(new Event(name)))));
    }
    close() {}
  };
`;

for (const settings of [{ viewport: { width: 1360, height: 860 } }, devices["Pixel 7"]]) {
  for (const seed of ["demo", "many:300"]) {
    const account = await newAccount(seed);
    const context = await browser.newContext({ ...settings, serviceWorkers: "block" });
    // The worker of one tab can be asked for its marks.
    await context.addInitScript(() => delete window.SharedWorker);
    const page = await context.newPage();
    await page.goto(account.url);
    await page.getByLabel("Username").waitFor();
    await stage({ do: "line", down: true });
    await enter(page, account);
    await page.getByRole("alert").waitFor();
    await stage({ do: "line", down: false });
    await enter(page, account);
    await rows(page).first().waitFor();
    await note(page);
    await page.reload();
    await rows(page).first().waitFor();
    await note(page);
    await page.route("**/worker-loader.js*", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: NO_LINE + (await response.text()) });
    });
    await page.reload();
    await rows(page).first().waitFor();
    await note(page);
    await context.close();
  }
}
writeFileSync("../../target/profile.json", JSON.stringify([...called]));
await browser.close();
await theStage.stop();
