// Starts the stage (private Dovecot, Postfix, gateway, proxy) for all tests, and ends it afterwards.
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

export default async function setup() {
  const { info, stop } = await startStage();
  process.env.ROOST_STAGE = JSON.stringify(info);
  return stop;
}
