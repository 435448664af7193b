import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bunTests } from "./bun-tests.ts";

/** Real runs of `bun test` on small suites: what the gate reads of them must be what happened. */
const options = () => ({ root, output: "quiet", testTimeoutMs: 5000, timeoutMs: 20_000 }) as const;
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pinhole-runner-"));
  const suites = {
    "good.test.ts":
      'import { test } from "bun:test"; test("one", () => {}); test.each([2, 3])("%d", () => {});',
    "bad.test.ts":
      'import { expect, test } from "bun:test"; test("ok", () => {}); test("no", () => { expect(1).toBe(2); });',
    "skips.test.ts":
      'import { test } from "bun:test"; test("ok", () => {}); test.skip("left out", () => {});',
    "breaks.test.ts": 'throw new Error("while loading");',
    "crashes.test.ts":
      'import { test } from "bun:test"; test("dies", () => { process.kill(process.pid, "SIGKILL"); });',
    "hangs.test.ts": 'import { test } from "bun:test"; test("hangs", () => { for (;;); });',
  };
  for (const [name, text] of Object.entries(suites)) await Bun.write(join(root, name), text);
});

afterAll(() => rm(root, { recursive: true, force: true }));

test("a good suite", async () => {
  expect(await bunTests("good", ["good.test.ts"], options())).toEqual({
    passed: 3,
    failed: 0,
    failures: [],
    skipped: [],
  });
});

test("a failing test is counted and named", async () => {
  const outcome = await bunTests("mixed", ["bad.test.ts", "good.test.ts"], options());
  expect(outcome).toEqual({ passed: 4, failed: 1, failures: ["bad.test.ts > no"], skipped: [] });
});

test("a skipped test is named", async () => {
  expect(await bunTests("skips", ["skips.test.ts"], options())).toMatchObject({
    passed: 1,
    skipped: ["skips.test.ts > left out"],
  });
});

test("a file that cannot be loaded has failed, beside others that pass", async () => {
  const outcome = await bunTests("breaks", ["breaks.test.ts", "good.test.ts"], options());
  expect(outcome).toMatchObject({ passed: 3, failed: 1, failures: ["breaks.test.ts: ran no test"] });
});

test("a suite that crashes without a report has failed", async () => {
  expect(await bunTests("crashes", ["crashes.test.ts"], options())).toMatchObject({ passed: 0, failed: 1 });
});

test("a suite that hangs is ended and has failed", async () => {
  expect(await bunTests("hangs", ["hangs.test.ts"], { ...options(), timeoutMs: 1500 })).toMatchObject({
    failed: 1,
  });
});
