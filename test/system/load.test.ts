import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScenarioName } from "../../loadtest/catalogue.ts";
import type { Report } from "../../loadtest/load/report.ts";
import { runLoad } from "../../loadtest/load/run.ts";
import { foreignTarget } from "../../loadtest/load/target.ts";
import { hasFailed } from "../../loadtest/load/verdicts.ts";
import { k6Program } from "../run/k6-program.ts";

/** Servers that answer wrongly: what a load test does not notice of these, it would not notice of ours. */
const WRONG = {
  fallback: () => Response.json({ predictions: [{ class_id: "error", prob: 0 }], fallback: true }),
  refusal: () => Response.json({ error: "OVERLOADED" }, { status: 503, headers: { "Retry-After": "1" } }),
  "bare refusal": () => Response.json({ error: "OVERLOADED" }, { status: 503 }),
  "page of a proxy": () =>
    new Response("<html>It works!</html>", { headers: { "Content-Type": "text/html" } }),
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pinhole-load-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function load(name: ScenarioName, answer: () => Response): Promise<Report> {
  const k6 = await k6Program();
  if (typeof k6 !== "string") throw new Error(`${k6.what} is missing: ${k6.howToGet}`);
  await using server = Bun.serve({
    port: 0,
    routes: { "/health/*": new Response(), "/api/v1/predict": answer },
  });
  return await runLoad({
    k6,
    name,
    target: await foreignTarget(`http://127.0.0.1:${server.port}`, undefined),
    seconds: 1,
    quick: true,
    capacity: 50,
    strict: false,
    reportDir: folder,
    say: () => undefined,
  });
}

function failures({ verdicts }: Report): string[] {
  return verdicts.filter(({ enforced, passed }) => enforced && passed === false).map(({ what }) => what);
}

describe("a load test fails", () => {
  test("where answers are the fallback", async () => {
    const report = await load("steady", WRONG.fallback);
    expect(failures(report)).toEqual(["share of errors", "fallback answers"]);
    expect(report.fallbackAnswers).toBeGreaterThan(20);
    expect(report.answers).toMatchObject({ ok: 0, failed: report.fallbackAnswers });
  });

  test("where a load that should be borne is refused", async () => {
    const report = await load("steady", WRONG.refusal);
    expect(failures(report)).toEqual(["share of errors"]);
    expect(report.answers).toMatchObject({ ok: 0, failed: 0 });
    expect(report.answers.refused).toBeGreaterThan(20);
  });

  test("where something else answers", async () => {
    expect(failures(await load("soak", WRONG["page of a proxy"]))).toEqual(["share of errors"]);
  });

  test("where a spike's refusals do not say when to come again", async () => {
    expect(failures(await load("spike", WRONG["bare refusal"]))).toEqual([
      "answered, after",
      "share of errors",
    ]);
  });

  test("where refusals go on when the spike is over", async () => {
    const report = await load("spike", WRONG.refusal);
    expect(failures(report)).toEqual(["answered, after"]);
    expect([report.errorRate, hasFailed(report)]).toEqual([0, true]);
  });
});
