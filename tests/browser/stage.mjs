// Starts a stage (private Dovecot, Postfix, gateway, proxy) for each of Playwright's workers, and ends them afterwards. So a test
// that cuts a line or stops a server disturbs no other.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export async function startStage(profile = "debug") {
  const binary = fileURLToPath(new URL(`../../target/${profile}/stage`, import.meta.url));
  if (!existsSync(binary)) throw new Error("The stage is not built. Run: cargo xtask test browser");
  const child = spawn(binary, ["serve"], { stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout });
  const info = await new Promise((resolve, reject) => {
    lines.once("line", (line) => resolve(JSON.parse(line)));
    child.once("exit", (code) => reject(new Error(`the stage ended with ${code} before it was ready`)));
  });
  child.removeAllListeners("exit");
  const stop = () =>
    new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGTERM");
    });
  return { info, stop };
}

/** Tells the tests where the stages are: each worker has the one of its index. */
export function announce(stages) {
  process.env.ROOST_STAGES = JSON.stringify(stages.map(({ info }) => info));
}

export default async function setup({ workers }) {
  const stages = await Promise.all(Array.from({ length: workers }, () => startStage()));
  announce(stages);
  return () => Promise.all(stages.map(({ stop }) => stop()));
}
