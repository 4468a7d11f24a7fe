// The browser is killed (SIGKILL) at random moments, while it synchronizes and while it writes, and started again with the
// same profile. What a person saw for a while is there afterwards: stars and moves arrive on the server, once, and what was
// typed is in Drafts. `ROOST_KILLS` says how often; `ROOST_SEED` plays the same moments again.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "@playwright/test";
import { CHROMIUM } from "../playwright.config.mjs";
import { contents, draftsKept, expect, row, signIn, signInAgain, stage, test } from "./roost.mjs";

const KILLS = Number(process.env.ROOST_KILLS ?? 8);
const SEED = Number(process.env.ROOST_SEED ?? Date.now() % 1_000_000);
/** What was on screen this long before the end is written: a change at once, a keystroke after the form's pause. */
const WRITTEN_MS = 1_200;

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function chances(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A browser that is a process of its own, and all of whose processes can be killed at once. */
async function launch(profile) {
  const child = spawn(
    CHROMIUM.executablePath,
    [...CHROMIUM.args, "--headless", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "--window-size=1360,860", "about:blank"],
    { detached: true, stdio: ["ignore", "ignore", "pipe"] },
  );
  const exited = new Promise((resolve) => child.once("exit", resolve));
  let address;
  for await (const line of createInterface({ input: child.stderr })) {
    address = line.match(/DevTools listening on (ws:.*)/)?.[1];
    if (address) break;
  }
  child.stderr.resume();
  const browser = await chromium.connectOverCDP(address).catch((error) => {
    process.kill(-child.pid, "SIGKILL");
    throw error;
  });
  const [context] = browser.contexts();
  const page = context.pages()[0] ?? (await context.newPage());
  const kill = async () => {
    process.kill(-child.pid, "SIGKILL");
    await exited;
    await browser.close().catch(() => {});
  };
  return { page, context, kill };
}

const status = (page) => page.getByRole("status", { name: "Connection" });
const message = (subject) => `From: x@example.org\r\nSubject: ${subject}\r\n\r\nHello\r\n`;

test("a browser that is killed loses nothing that was seen", async ({ account, imap }) => {
  test.setTimeout(60_000 + KILLS * 15_000);
  console.log(`ROOST_SEED=${SEED}`);
  const chance = chances(SEED);
  const profile = mkdtempSync(join(tmpdir(), "roost-profile-"));
  const expected = { starred: [], moved: [], drafts: [] };
  const perhaps = [];
  let browser;
  try {
    for (let round = 0; round <= KILLS; round++) {
      browser = await launch(profile);
      const { page } = browser;
      await page.goto(account.url);
      // The session's cookie may have gone with the browser; what was kept has not.
      await signInAgain(page, account, "Live");
      if (round === KILLS) break;

      const [star, move, draft] = ["star", "move", "draft"].map((what) => `${what} ${round}`);
      await imap.append("INBOX", message(star));
      await imap.append("INBOX", message(move));
      await expect(row(page, move)).toBeVisible();
      // With a line it is killed while it synchronizes and sends, without one while only the store has it.
      const offline = chance() < 0.6;
      if (offline) await stage({ do: "line", down: true });
      else for (let more = 0; more < 5; more++) imap.append("INBOX", message(`more ${round} ${more}`)).catch(() => {});
      const steps = [
        async () => {
          // What arrives moves the rows: a click that lasts would begin on one and end on another.
          await row(page, star).getByRole("button", { name: "Star", exact: true }).dispatchEvent("click");
          await expect(row(page, star).getByRole("button", { name: "Remove star" })).toBeVisible();
          expected.starred.push([star, Date.now()]);
        },
        async () => {
          const chosen = row(page, move).getByRole("checkbox");
          await chosen.focus();
          await chosen.dispatchEvent("click");
          await page.keyboard.press("e");
          await expect(row(page, move)).toHaveCount(0);
          expected.moved.push([move, Date.now()]);
        },
        async () => {
          await page.keyboard.press("c");
          await page.getByRole("textbox", { name: "Subject" }).fill(draft);
          await page.getByRole("textbox", { name: "Message text" }).pressSequentially(`All of ${draft}.`);
          expected.drafts.push([draft, Date.now()]);
        },
      ];
      if (chance() < 0.5) steps.reverse();
      const some = steps.slice(0, 1 + Math.floor(chance() * 3));
      // In the middle of the last of them, or some time after it.
      const middle = chance() < 0.3;
      const last = some.pop();
      for (const step of some) await step();
      const doing = last().catch(() => {});
      if (!middle) await doing;
      await page.waitForTimeout(Math.floor(chance() < 0.5 ? chance() * 150 : WRITTEN_MS + chance() * 900));
      const killed = Date.now();
      await browser.kill();
      await doing;
      browser = undefined;
      if (offline) await stage({ do: "line", down: false });
      // What had just been done may be written or not.
      for (const kind of Object.keys(expected)) {
        const at = expected[kind].findIndex(([, when]) => killed - when < WRITTEN_MS);
        if (at >= 0) perhaps.push(...expected[kind].splice(at).map(([what]) => what));
      }
    }
    const names = (kind) => expected[kind].map(([what]) => what);
    console.log(`seen for a while: ${["starred", "moved", "drafts"].map((kind) => `${names(kind).length} ${kind}`).join(", ")}; perhaps: ${perhaps.length}`);
    const missing = async () => {
      const [inbox, archive, drafts] = [await contents(imap, "INBOX"), await contents(imap, "Archive"), await contents(imap, "Drafts")];
      return [
        ...names("starred").filter((one) => !inbox.get(one)?.flags.has("\\Flagged")),
        ...names("moved").filter((one) => inbox.has(one) || !archive.has(one)),
        ...names("drafts").filter((one) => !drafts.has(one)),
      ];
    };
    await expect.poll(missing, { timeout: 45_000 }).toEqual([]);
    // Nothing is half done or done twice: each message is in one place, once, and each draft is one.
    await expect(status(browser.page)).toHaveText("Live");
    const subjects = [];
    for (const mailbox of ["INBOX", "Archive", "Trash", "Drafts"]) {
      const lock = await imap.getMailboxLock(mailbox);
      if (imap.mailbox.exists) for await (const one of imap.fetch("1:*", { envelope: true })) if (one.envelope) subjects.push(one.envelope.subject);
      lock.release();
    }
    for (let round = 0; round < KILLS; round++) {
      for (const what of ["star", "move"]) expect(subjects.filter((one) => one === `${what} ${round}`)).toHaveLength(1);
      expect(subjects.filter((one) => one === `draft ${round}`).length).toBeLessThanOrEqual(1);
    }
    // What was typed is there whole.
    const lock = await imap.getMailboxLock("Drafts");
    if (imap.mailbox.exists) {
      for await (const one of imap.fetch("1:*", { envelope: true, source: true })) {
        const subject = one.envelope?.subject;
        if (names("drafts").includes(subject)) expect(one.source.toString()).toContain(`All of ${subject}.`);
      }
    }
    lock.release();
  } finally {
    await stage({ do: "line", down: false });
    await browser?.kill().catch(() => {});
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
});

test("a tab that is closed in the middle leaves its work to the other", async ({ page, account, imap }) => {
  await signIn(page, account);
  const other = await page.context().newPage();
  await other.goto(account.url);
  await expect(status(other)).toHaveText("Live");
  await imap.append("INBOX", message("two tabs"));
  await expect(row(page, "two tabs")).toBeVisible();
  await stage({ do: "line", down: true });
  try {
    await row(page, "two tabs").getByRole("button", { name: "Star", exact: true }).click();
    await page.keyboard.press("c");
    await page.getByRole("textbox", { name: "Subject" }).fill("left behind");
    await page.getByRole("textbox", { name: "Message text" }).fill("by the tab that went");
    await expect(row(other, "two tabs").getByRole("button", { name: "Remove star" })).toBeVisible();
    // It is on the device a moment after the last key.
    await expect.poll(() => draftsKept(other)).toContain("by the tab that went");
    // The first tab is the one that started the worker.
    await page.close({ runBeforeUnload: false });
    await expect(status(other)).toContainText("waiting");
  } finally {
    await stage({ do: "line", down: false });
  }
  await expect(status(other)).toHaveText("Live", { timeout: 45_000 });
  await expect.poll(async () => (await contents(imap, "INBOX")).get("two tabs").flags.has("\\Flagged")).toBe(true);
  await expect.poll(async () => (await contents(imap, "Drafts")).has("left behind"), { timeout: 30_000 }).toBe(true);
});
