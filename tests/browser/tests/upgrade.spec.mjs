// The gateway is upgraded while tabs are open: they are told to reload, nothing is lost, and no page talks to a worker of
// another version.
import { copyFile, rm } from "node:fs/promises";
import { appIsKept, contents, expect, row, sharedWorkers, signIn, signInAgain, stage, stored, test } from "./roost.mjs";

const status = (page) => page.getByRole("status", { name: "Connection" });

test("an upgrade asks every tab to reload, and what was done and typed meanwhile is there afterwards", async ({ page, account, imap }) => {
  await imap.append("INBOX", "From: x@example.org\r\nSubject: before the upgrade\r\n\r\nHello\r\n");
  await signIn(page, account);
  await appIsKept(page);
  const other = await page.context().newPage();
  await other.goto(account.url);
  await expect(status(other)).toHaveText("Live");
  await page.keyboard.press("c");
  await page.getByRole("textbox", { name: "Subject" }).fill("typed before");
  await page.getByRole("textbox", { name: "Message text" }).fill("and during");
  try {
    await stage({ do: "gateway-restart", build: "99.0.0" });
    for (const tab of [page, other]) await signInAgain(tab, account, /A new version is ready/);
    await expect(page.getByRole("button", { name: "Reload" })).toBeVisible();
    // The old page goes on: what is done is kept, and not sent by an old worker to a new gateway.
    await page.getByRole("textbox", { name: "Message text" }).pressSequentially(" the upgrade");
    await row(other, "before the upgrade").getByRole("button", { name: "Star", exact: true }).click();
    await expect(status(other)).toHaveText(/waiting/);
    expect((await contents(imap, "INBOX")).get("before the upgrade").flags.has("\\Flagged")).toBe(false);
    // A reload that meets the same old files is told again, not left with a page that does nothing.
    const loaded = other.waitForEvent("load");
    await other.getByRole("button", { name: "Reload" }).click();
    await loaded;
    await expect(status(other)).toContainText("A new version is ready", { timeout: 45_000 });
  } finally {
    // The app cannot be built anew here: a gateway of its build stands for the new app.
    await stage({ do: "gateway-restart" });
  }
  // What comes is from the gateway, not from what the browser kept of the app.
  const fetched = [];
  page.on("response", (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) fetched.push(response.fromServiceWorker());
  });
  await page.getByRole("button", { name: "Reload" }).click();
  await expect.poll(() => fetched).toEqual([false]);
  for (const tab of [page, other]) {
    if (tab === other) await tab.reload();
    await signInAgain(tab, account, "Live");
  }
  await expect.poll(async () => (await contents(imap, "INBOX")).get("before the upgrade").flags.has("\\Flagged")).toBe(true);
  await expect(page.getByRole("textbox", { name: "Message text" })).toHaveValue("and during the upgrade");
});

test.describe("two versions of the app in one browser", () => {
  // What keeps the app would answer with the files of the first.
  test.use({ serviceWorkers: "block" });
  // Each writes the same files.
  test.describe.configure({ mode: "default" });

  /** The same code under other names stands for the new version: `given` sees that a page gets it. */
  async function withNewVersion(page, account, during) {
    const names = await page.evaluate(() => ({ ...document.querySelector("script[data-app]").dataset }));
    const old = [names.app, names.wasm, names.wasm.replace("_bg.wasm", "_rest.wasm")].map((name) => name.replace(/^\//, ""));
    const renamed = (name) => name.replace(/[0-9a-f]{12,16}/, (hash) => [...hash].reverse().join(""));
    const file = (name) => new URL(`../../../dist/${name}`, import.meta.url);
    const given = (page) =>
      page.route(`${account.url}/`, async (route) => {
        const response = await route.fetch();
        const body = old.reduce((text, name) => text.replaceAll(name, renamed(name)), await response.text());
        await route.fulfill({ response, body });
      });
    try {
      for (const name of old) await copyFile(file(name), file(renamed(name)));
      await during({ given, versions: [old[1], renamed(old[1])] });
    } finally {
      for (const name of old) await rm(file(renamed(name)), { force: true });
    }
  }

  test("have a worker each", async ({ page, account, imap }) => {
    for (const subject of ["by the old version", "by the new version"]) await imap.append("INBOX", `From: x@example.org\r\nSubject: ${subject}\r\n\r\nHello\r\n`);
    await signIn(page, account);
    await withNewVersion(page, account, async ({ given, versions }) => {
      const next = await page.context().newPage();
      await given(next);
      await next.goto(account.url);
      await expect(status(next)).toHaveText("Live");
      const session = await page.context().browser().newBrowserCDPSession();
      const workers = (await sharedWorkers(page, session)).map((one) => one.url);
      expect(workers.map((url) => new URL(url).searchParams.get("wasm").replace(/^\//, "")).sort()).toEqual([...versions].sort());
      for (const [tab, subject] of [[page, "by the old version"], [next, "by the new version"]]) {
        await row(tab, subject).getByRole("button", { name: "Star", exact: true }).click();
        await expect.poll(async () => (await contents(imap, "INBOX")).get(subject).flags.has("\\Flagged")).toBe(true);
      }
    });
  });

  test("the new one keeps mail from the moment on that the old one has no page", async ({ page, account, imap }) => {
    await signIn(page, account);
    await withNewVersion(page, account, async ({ given, versions }) => {
      await given(page);
      await page.reload();
      await expect(status(page)).toHaveText("Live");
      // The old worker would keep what it hears as well.
      const session = await page.context().browser().newBrowserCDPSession();
      await expect.poll(async () => (await sharedWorkers(page, session)).map((one) => one.url)).toEqual([expect.stringContaining(versions[1])]);
      await imap.append("INBOX", "From: x@example.org\r\nSubject: kept by the new version\r\n\r\nHello\r\n");
      await expect.poll(async () => (await stored(page, "mail", "getAll")).join("\n")).toContain("kept by the new version");
    });
  });
});
