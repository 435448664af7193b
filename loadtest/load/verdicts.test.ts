import { expect, test } from "bun:test";
import { factsOf, reportFor, sampleAt, summaryOf, trend } from "./report.fixture.ts";
import { reportOf } from "./report.ts";
import { hasFailed, type Verdict } from "./verdicts.ts";

function find(verdicts: readonly Verdict[], what: string): Verdict | undefined {
  return verdicts.find((verdict) => verdict.what.includes(what));
}

test("a run within its thresholds has passed", () => {
  const report = reportFor("steady");
  expect(hasFailed(report)).toBe(false);
  expect(find(report.verdicts, "share of errors")).toEqual({
    what: "share of errors",
    limit: "< 0.01",
    measured: "0",
    passed: true,
    enforced: true,
  });
});

test("one crossed threshold fails the run", () => {
  const errors = { passes: 28, fails: 1372, value: 0.02, thresholds: { "rate<0.01": true } };
  const report = reportFor("steady", { errors });
  expect(find(report.verdicts, "share of errors")).toMatchObject({ measured: "0.02", passed: false });
  expect(hasFailed(report)).toBe(true);
});

test("absolute times are printed, and fail nothing", () => {
  const report = reportFor("steady", { answer_ms: trend(1400, 20) });
  expect(find(report.verdicts, "95% of the predictions")).toMatchObject({
    measured: "400 ms",
    passed: false,
    enforced: false,
  });
  expect(hasFailed(report)).toBe(false);
});

test("unless they were asked for: then k6 has judged them", () => {
  const answer_ms = { ...trend(1400, 20), thresholds: { "p(95)<200": true, "p(99)<500": true } };
  const report = reportOf(factsOf("steady", { strict: true }), summaryOf({ answer_ms }), []);
  expect(find(report.verdicts, "95% of the predictions")).toBeUndefined();
  expect(find(report.verdicts, "time of a prediction")).toMatchObject({ measured: "400", passed: false });
  expect(hasFailed(report)).toBe(true);
});

/** A soak whose memory is this in its halves, in MiB. */
function soak(seconds: number, first: number, second: number) {
  const at = (share: number, mib: number) => sampleAt(seconds * share, mib);
  const samples = [at(0.1, first - 1), at(0.4, first + 1), at(0.6, second - 1), at(0.9, second + 1)];
  return reportOf(factsOf("soak", { seconds }), summaryOf(), samples);
}

test("a soak's memory may grow by 5% from its first half to its second", () => {
  const within = soak(1200, 200, 209);
  expect(find(within.verdicts, "resident memory")).toMatchObject({
    what: "resident memory, second half over the first (209 MiB, 200 MiB)",
    limit: "<= +5%",
    measured: "+4.50%",
    passed: true,
    enforced: true,
  });
  expect(hasFailed(within)).toBe(false);
  const past = soak(1200, 200, 211);
  expect(find(past.verdicts, "resident memory")).toMatchObject({ measured: "+5.50%", passed: false });
  expect(hasFailed(past)).toBe(true);
});

test("memory that falls is no leak, and that of a short soak is only printed", () => {
  expect(find(soak(1200, 200, 150).verdicts, "resident memory")).toMatchObject({
    measured: "-25%",
    passed: true,
  });
  expect(find(soak(20, 100, 200).verdicts, "resident memory")).toMatchObject({
    passed: null,
    enforced: false,
  });
});

test("a breakpoint tells the last rate before too many were turned away", () => {
  const windows = { answers_refused_w1: { count: 40 }, answers_refused: { count: 40 } };
  expect(find(reportFor("breakpoint", windows).verdicts, "answers everybody")?.measured).toBe("69/s");
  expect(find(reportFor("breakpoint").verdicts, "answers everybody")?.measured).toBe("71/s");
  const never = { answers_refused_w0: { count: 40 } };
  expect(find(reportFor("breakpoint", never).verdicts, "answers everybody")?.measured).toBe("no rate at all");
});

test("probes are to be answered quickly while all else waits", () => {
  const report = reportFor("spike", { "read_ms{part:probes}": trend(60) });
  expect(find(report.verdicts, "probes")).toMatchObject({
    limit: "< 10 ms",
    measured: "40 ms",
    passed: false,
  });
  expect(hasFailed(report)).toBe(false);
});

test("a double wave compares its second with its first", () => {
  const parts = { "answer_ms{part:first_wave}": trend(700), "answer_ms{part:second_wave}": trend(700, 1.5) };
  expect(find(reportFor("double-wave", parts).verdicts, "second wave")?.measured).toBe("1.50");
});
