import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { command, repositoryRoot } from "./command.ts";
import type { Missing } from "./report.ts";

const K6 = "v1.8.1";
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** Finds k6 in test/.tools or on the path; where Go is there, builds it once. */
export async function k6Program(): Promise<string | Missing> {
  const bin = join(repositoryRoot(), "test/.tools/bin");
  const own = join(bin, "k6");
  const found = [own, Bun.which("k6")].find((path) => path && isRightK6(path));
  if (found) return found;
  const missing = {
    what: `k6 ${K6}`,
    howToGet: `go install go.k6.io/k6@${K6} (Go 1.25 or later; about a minute)`,
  };
  const go = Bun.which("go");
  if (!go) return missing;
  console.log(`Building k6 ${K6} (once) ...`);
  await mkdir(bin, { recursive: true });
  await command([go, "install", `go.k6.io/k6@${K6}`], { timeoutMs: INSTALL_TIMEOUT_MS, env: { GOBIN: bin } });
  return isRightK6(own) ? own : missing;
}

/** @throws Error that says how to get it, where there is none */
export async function requireK6(): Promise<string> {
  const k6 = await k6Program();
  if (typeof k6 === "string") return k6;
  throw new Error(`${k6.what} is missing. How to get it: ${k6.howToGet}`);
}

function isRightK6(path: string): boolean {
  if (!existsSync(path)) return false;
  return Bun.spawnSync([path, "version"]).stdout.toString().includes(`k6 ${K6} `);
}
