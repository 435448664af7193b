import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import type { MetricSnapshot } from "../telemetry/merge-metrics.ts";
import { MetricsLedger } from "./metrics-ledger.ts";

const counted = (value: number): MetricSnapshot[] => [
  { name: "a_total", help: "", type: "counter", values: [{ value, labels: {} }] },
  { name: "pinhole_held_bytes", help: "", type: "gauge", values: [{ value, labels: {} }] },
];
const values = (metrics: MetricSnapshot[]) => metrics.map((metric) => metric.values[0]?.value ?? null);

/** Two processes, 1 and 2, where 2 says what `second` says; null: it does not answer. */
function ledger(second: () => number | null) {
  const clock = new ManualClock();
  const made: MetricsLedger = new MetricsLedger({
    clock,
    pids: () => [1, 2],
    collect(pid, id) {
      const value = second();
      if (value !== null) made.collected(pid, id, counted(value));
      return true;
    },
  });
  return { clock, made };
}

describe("MetricsLedger", () => {
  test("adds up what the asker says and what the others say now", async () => {
    let second = 10;
    const { made } = ledger(() => second);
    expect(values(await made.gather(1, counted(1)))).toEqual([11, 11]);
    second = 20;
    expect(values(await made.gather(1, counted(2)))).toEqual([22, 22]);
  });

  test("takes what was said last by one that does not answer", async () => {
    let second: number | null = 10;
    const { clock, made } = ledger(() => second);
    await made.gather(1, counted(1));
    second = null;
    const asked = made.gather(1, counted(5));
    clock.advance(500);
    expect(values(await asked)).toEqual([15, 15]);
    expect(clock.pending).toBe(0);
  });

  test("keeps the counts of one that has ended, and nothing of what it held", async () => {
    let second: number | null = 10;
    const { made } = ledger(() => second);
    await made.gather(1, counted(1));
    made.end(2);
    second = 3;
    expect(values(await made.gather(1, counted(1)))).toEqual([14, 4]);
    made.collected(2, null, counted(7));
    made.end(2);
    made.end(99);
    second = 0;
    expect(values(await made.gather(1, counted(1)))).toEqual([18, 1]);
  });
});
