// Real Chromium against the real gateway, Dovecot and Postfix. Each worker has a stage of its own (stage.mjs). No traces: making
// them takes a third of the time. `npx playwright test --trace retain-on-failure` makes them.
import { defineConfig } from "@playwright/test";

/** How Chromium runs headless as root, without talking to anybody. */
export const CHROMIUM = {
  executablePath: "/usr/bin/chromium-headless-shell",
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
};

export default defineConfig({
  testDir: "tests",
  globalSetup: "./stage.mjs",
  workers: 2,
  fullyParallel: true,
  timeout: 90_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  outputDir: "test-results",
  use: { actionTimeout: 20_000, launchOptions: CHROMIUM, locale: "en-GB", timezoneId: "UTC", screenshot: "only-on-failure" },
  projects: [
    { name: "desktop", use: { viewport: { width: 1360, height: 860 } }, testIgnore: /phone/ },
    {
      name: "phone",
      use: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
      testMatch: /(phone|signin|actions|reading|screens|compose|forms|later|leaving|queue|rich).spec/,
    },
  ],
});
