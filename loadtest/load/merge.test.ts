import { expect, test } from "bun:test";
import { UsageError } from "./arguments.ts";
import { merged, readReport } from "./merge.ts";
import { htmlOf } from "./page.ts";
import { factsOf, reportFor, sampleAt, summaryOf, trend } from "./report.fixture.ts";
import { reportOf } from "./report.ts";
import { hasFailed } from "./verdicts.ts";

const halves = { share: 0.5 };
const first = reportOf(factsOf("steady", { ...halves, generator: "here" }), summaryOf(), [sampleAt(1, 200)]);
const slow = {
  answers_ok: { count: 600 },
  answers_ok_w0: { count: 300 },
  answers_refused: { count: 100 },
  answers_refused_w0: { count: 100 },
  answer_ms: trend(600, 3),
  answer_ms_w0: trend(300, 3),
  errors: { passes: 100, fails: 600, value: 1 / 7, thresholds: { "rate<0.01": true } },
};
const second = reportOf(factsOf("steady", { ...halves, generator: "there" }), summaryOf(slow), []);

test("counts of two machines add up", () => {
  const both = merged([first, second]);
  expect(both.answers).toEqual({ ok: 2000, limited: 0, refused: 100, failed: 0 });
  expect(both.users).toBe(240);
  expect(both.errorRate).toBeCloseTo(100 / 2100);
  expect(both.windows[0]).toMatchObject({ second: 0, answers: { ok: 990, refused: 100 } });
  expect(both.windows[0]?.offered).toBeCloseTo(70);
  expect(both.generators).toEqual(["here", "there"]);
});

test("a percentile of both is that of the slower: the true one is never above it", () => {
  const { answers } = merged([first, second]).latency;
  expect(answers).toMatchObject({ count: 2000, p50Ms: 30, p95Ms: 60, p99Ms: 120, maxMs: 297 });
  expect(answers?.meanMs).toBeCloseTo((1400 * 12 + 600 * 36) / 2000);
});

test("what failed on one machine has failed, and says where", () => {
  const both = merged([first, second]);
  expect(hasFailed(both)).toBe(true);
  const failures = both.verdicts.filter(({ passed, enforced }) => enforced && !passed);
  expect(failures.map(({ what }) => what)).toEqual(["machine 2: share of errors"]);
  expect(hasFailed(merged([first, first]))).toBe(false);
});

test("it is a report like any other, with the server's figures of whoever could read them", () => {
  expect(merged([second, first]).samples).toEqual([sampleAt(1, 200)]);
  expect(htmlOf(merged([second, first]))).not.toMatch(/NaN|undefined|null|Infinity/);
});

test("different scenarios are not merged, nor what is no report", async () => {
  expect(() => merged([first, reportFor("cache")])).toThrow(UsageError);
  expect(readReport("/nowhere")).rejects.toThrow("there is no report in /nowhere");
  const other = new URL("../../package.json", import.meta.url).pathname;
  expect(readReport(other)).rejects.toThrow("is no report of a load test");
});
