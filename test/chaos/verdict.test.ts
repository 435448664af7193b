import { describe, expect, test } from "bun:test";
import type { Exchange } from "./load.ts";
import { type Blow, type Evidence, judge } from "./verdict.ts";

const calm: Blow = {
  fault: "cut uploads",
  from: 10_000,
  to: 11_000,
  readyAt: 12_000,
  notReadyMs: 0,
  trouble: null,
  stopsRecording: false,
  endsProcess: false,
  dropped: 0,
};
const kill: Blow = { ...calm, fault: "kill the process", endsProcess: true, notReadyMs: 900 };
const lock: Blow = { ...calm, fault: "lock the database", to: 17_000, readyAt: 17_000, stopsRecording: true };

const answered = (endedAt: number, predictionId: string): Exchange => ({
  startedAt: endedAt - 10,
  endedAt,
  outcome: "200",
  predictionId,
});

function evidence(changes: Partial<Evidence>): Evidence {
  return {
    blows: [calm],
    exchanges: [answered(5000, "a")],
    records: { ids: new Set(["a"]), integrity: "ok", half: 0 },
    held: { pinhole_admitted_requests: 0 },
    exitCode: 0,
    settledMs: 1500,
    ...changes,
  };
}

const failures = (changes: Partial<Evidence>) => judge(evidence(changes), 5000).failures;

test("a server that stood it has no failure", () => {
  expect(failures({})).toEqual([]);
});

describe("records", () => {
  test("one that was flushed before the kill must be there", () => {
    const lost = { blows: [kill], exchanges: [answered(5000, "a"), answered(8000, "b")] };
    expect(failures(lost)).toEqual([
      "1 of 2 flushed records are lost: answered 2.0 s before: kill the process",
    ]);
  });

  test("what was answered just before a kill may not have been flushed", () => {
    expect(failures({ blows: [kill], exchanges: [answered(5000, "a"), answered(9000, "b")] })).toEqual([]);
  });

  test("what is answered while the database is locked may be dropped, but must be counted", () => {
    const exchanges = [answered(5000, "a"), answered(12_000, "b"), answered(13_000, "c")];
    expect(failures({ blows: [{ ...lock, dropped: 2 }], exchanges })).toEqual([]);
    expect(failures({ blows: [{ ...lock, dropped: 1 }], exchanges })).toEqual([
      "2 answers went unrecorded, 1 were counted",
    ]);
  });

  test("damage and half rows are failures", () => {
    expect(failures({ records: { ids: new Set(["a"]), integrity: "page 3", half: 2 } })).toEqual([
      "the database is damaged: page 3",
      "2 rows are half",
    ]);
  });
});

test.each([
  ["hung", true],
  ["500 INTERNAL_ERROR", true],
  ["fallback", true],
  ["503 OVERLOADED", false],
  ["504 DEADLINE_EXCEEDED", false],
])("a request that ended with %p fails the run: %p", (outcome, fails) => {
  const exchanges = [answered(5000, "a"), { startedAt: 1, endedAt: 2, outcome }];
  expect(failures({ exchanges })).toEqual(fails ? [`1 requests ended with: ${outcome}`] : []);
});

test("a connection is closed only where a process ended", () => {
  const closed = { startedAt: 10_500, endedAt: 10_600, outcome: "closed" };
  const exchanges = [answered(5000, "a"), closed];
  expect(failures({ exchanges, blows: [kill] })).toEqual([]);
  expect(failures({ exchanges })).toEqual(["1 connections were closed though no process ended"]);
});

test("too long without readiness, trouble, a leak and a bad end are failures", () => {
  expect(
    failures({
      blows: [{ ...kill, notReadyMs: 5100, trouble: "odd" }],
      held: { pinhole_admitted_requests: 1 },
      exitCode: 1,
    }),
  ).toEqual([
    "kill the process: odd",
    "kill the process: not ready for 5.1 s",
    "pinhole_admitted_requests is 1 in the end",
    "the drain ended with 1",
  ]);
});

test("a run without an answer proves nothing", () => {
  expect(failures({ exchanges: [] })).toEqual(["no request was answered"]);
});
