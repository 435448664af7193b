import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSentry } from "../test/stubs/sentry.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pinhole-crash-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A process with the telemetry of a server, which meets `fate` and would otherwise run for ever. */
async function meet(fate: string, settings: Record<string, string> = {}) {
  const program = `
    import { loadConfig } from "./src/config.ts";
    import { randomId, systemClock } from "./src/clock.ts";
    import { endOnCrash } from "./src/crash.ts";
    import { createTelemetry } from "./src/telemetry/telemetry.ts";
    const options = { clock: systemClock, newId: randomId, version: "1.2.3", onLogTrouble: () => {} };
    endOnCrash(await createTelemetry(loadConfig(), options));
    setInterval(() => undefined, 1000);
    ${fate}`;
  const child = Bun.spawn([process.execPath, "--no-env-file", "-e", program], {
    cwd: new URL("..", import.meta.url).pathname,
    env: { PATH: process.env.PATH, PINHOLE_LOG_DIR: directory, ...settings },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, stderr] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  return { code, stderr };
}

test.each([
  ["an exception", 'setTimeout(() => { throw new TypeError("nobody caught me"); }, 1);'],
  ["a rejection", 'Promise.reject(new TypeError("nobody caught me"));'],
])("%s that nobody caught is logged, reported, and ends the process", async (_name, fate) => {
  using sentry = startSentry();
  const { code, stderr } = await meet(fate, { PINHOLE_SENTRY_DSN: sentry.dsn });
  expect(code).toBe(1);
  expect(stderr).toContain("nobody caught me");
  const line = JSON.parse(await Bun.file(join(directory, "error.log")).text());
  expect(line).toMatchObject({ stream: "error", err: { type: "TypeError", message: "nobody caught me" } });
  expect(sentry.events().map(({ exception }) => exception.values[0].value)).toEqual(["nobody caught me"]);
});

test("it ends although Sentry is silent, and at a level where nothing is logged stderr still says why", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  using sentry = startSentry(() => promise);
  const fate = 'setTimeout(() => { throw new Error("nobody caught me"); }, 1);';
  expect((await meet(fate, { PINHOLE_SENTRY_DSN: sentry.dsn })).code).toBe(1);
  const silent = await meet(fate, { PINHOLE_LOG_LEVEL: "silent" });
  expect([silent.code, silent.stderr.includes("nobody caught me")]).toEqual([1, true]);
  resolve(Response.json({}));
});
