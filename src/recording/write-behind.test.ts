import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { sampleRow } from "../../test/sample-row.ts";
import { describeRecorder } from "./recorder.contract.ts";
import type { RecordSink } from "./recorder.ts";
import type { PredictionRow } from "./row.ts";
import { WriteBehindRecorder } from "./write-behind.ts";

/** Keeps rows in memory; refuses all writes while `broken`, and any with a row for which `refuses` is true. */
class MemorySink implements RecordSink {
  readonly rows: PredictionRow[] = [];
  readonly batches: number[] = [];
  broken = false;
  refuses: (row: PredictionRow) => boolean = () => false;

  insertMany(rows: readonly PredictionRow[]): void {
    if (this.broken) throw new Error("disk I/O error");
    if (rows.some(this.refuses)) throw new Error("constraint failed");
    this.batches.push(rows.length);
    this.rows.push(...rows);
  }

  byId(id: string): PredictionRow | null {
    return this.rows.find((row) => row.id === id) ?? null;
  }
}

describeRecorder("WriteBehindRecorder", (given) => {
  const sink = new MemorySink();
  const recorder = new WriteBehindRecorder({ sink, ...given });
  const setBroken = (broken: boolean) => {
    sink.broken = broken;
  };
  return { recorder, stored: () => [...sink.rows], setBroken };
});

/** Writes when it is told to, as a thread does. */
class LateSink extends MemorySink {
  readonly onTheWay: (() => void)[] = [];

  override insertMany(rows: readonly PredictionRow[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.onTheWay.push(() => {
        try {
          resolve(super.insertMany(rows));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Ends the write on its way, and lets whoever waits for it hear. */
  async settle(): Promise<void> {
    this.onTheWay.shift()?.();
    await Bun.sleep(0);
  }
}

function setUp(options: { isRowsFault?: (error: unknown) => boolean } = {}) {
  const clock = new ManualClock();
  const sink = new MemorySink();
  const told: string[] = [];
  const recorder = new WriteBehindRecorder({
    ...options,
    sink,
    bufferRows: 10_000,
    flushIntervalMs: 200,
    clock,
    onTrouble: (error) => told.push(String(error)),
    onRecovery: () => told.push("well again"),
  });
  return { clock, sink, told, recorder };
}

describe("WriteBehindRecorder", () => {
  test("record itself never writes; a full batch is written at the next turn, in bulk", () => {
    const { clock, sink, recorder } = setUp();
    for (let n = 0; n < 600; n++) recorder.record(sampleRow(n));
    expect(sink.batches).toEqual([]);
    clock.advance(0);
    expect(sink.batches).toEqual([256, 256]);
    clock.advance(199);
    expect(sink.batches).toEqual([256, 256]);
    clock.advance(1);
    expect(sink.batches).toEqual([256, 256, 88]);
    expect(clock.pending).toBe(0);
  });

  test("tells of trouble once and of recovery once, and pauses longer and longer between", () => {
    const { clock, sink, told, recorder } = setUp();
    sink.broken = true;
    recorder.record(sampleRow(0));
    clock.advance(200);
    const failuresAfter = (ms: number) => {
      clock.advance(ms);
      return recorder.statistics().failures;
    };
    expect([failuresAfter(0), failuresAfter(100), failuresAfter(199), failuresAfter(1)]).toEqual([
      1, 2, 2, 3,
    ]);
    // 100 ms, doubled each time, and never more than 2 s.
    expect(failuresAfter(60_000)).toBeGreaterThanOrEqual(32);
    expect(failuresAfter(0)).toBeLessThanOrEqual(36);
    expect(told).toEqual(["Error: disk I/O error"]);
    sink.broken = false;
    clock.advance(5_000);
    expect(told).toEqual(["Error: disk I/O error", "well again"]);
  });

  test("one row that the sink refuses is found, dropped and counted; all others are written", () => {
    const { clock, sink, recorder } = setUp();
    sink.refuses = (row) => row.requestId === "request-77";
    for (let n = 0; n < 400; n++) recorder.record(sampleRow(n));
    clock.advance(120_000);
    expect(sink.rows.length).toBe(399);
    expect(recorder.statistics()).toMatchObject({ waiting: 0, written: 399, dropped: { rejected: 1 } });
    // It was the row, not the sink.
    expect(recorder.healthy).toBe(true);
  });

  test("a full disk is no row's fault, however often it fills up: nothing is dropped, and all at once is tried", () => {
    const { clock, sink, recorder } = setUp({ isRowsFault: (error) => !String(error).includes("disk I/O") });
    for (let round = 0; round < 3; round++) {
      recorder.record(sampleRow(2 * round));
      sink.broken = true;
      clock.advance(60_000);
      expect(recorder.healthy).toBe(false);
      recorder.record(sampleRow(2 * round + 1));
      sink.broken = false;
      clock.advance(2_000);
      expect(recorder.healthy).toBe(true);
    }
    expect(sink.batches).toEqual([2, 2, 2]);
    expect(recorder.statistics()).toMatchObject({ waiting: 0, written: 6, dropped: { rejected: 0 } });
  });

  test("a refused row does not take the others with it on close either", async () => {
    const { sink, recorder } = setUp();
    sink.refuses = (row) => row.requestId === "request-77";
    for (let n = 0; n < 400; n++) recorder.record(sampleRow(n));
    await recorder.close();
    expect(sink.rows.length).toBe(399);
    const { dropped, waiting } = recorder.statistics();
    expect([waiting, dropped.rejected + dropped.closed]).toEqual([0, 1]);
  });

  test("nothing is left running after close", async () => {
    const { clock, recorder } = setUp();
    recorder.record(sampleRow(0));
    await recorder.close();
    expect(clock.pending).toBe(0);
  });
});

describe("WriteBehindRecorder over a sink that takes its time", () => {
  function late() {
    const clock = new ManualClock();
    const sink = new LateSink();
    const recorder = new WriteBehindRecorder({ sink, bufferRows: 1000, flushIntervalMs: 200, clock });
    return { clock, sink, recorder };
  }

  test("one write is on its way at a time, and its rows can be found meanwhile", async () => {
    const { clock, sink, recorder } = late();
    for (let n = 0; n < 300; n++) recorder.record(sampleRow(n));
    clock.advance(10_000);
    expect([sink.onTheWay.length, recorder.statistics().waiting]).toEqual([1, 300]);
    expect(recorder.find(sampleRow(0).id)).toEqual(sampleRow(0));
    await sink.settle();
    expect([sink.batches, recorder.statistics().waiting]).toEqual([[256], 44]);
    clock.advance(200);
    await sink.settle();
    expect([sink.batches, recorder.statistics().written]).toEqual([[256, 44], 300]);
  });

  test("a write that fails is tried again after the pause", async () => {
    const { clock, sink, recorder } = late();
    sink.broken = true;
    recorder.record(sampleRow(0));
    clock.advance(200);
    await sink.settle();
    expect([recorder.healthy, recorder.statistics().failures, sink.onTheWay.length]).toEqual([false, 1, 0]);
    sink.broken = false;
    clock.advance(100);
    await sink.settle();
    expect([recorder.healthy, recorder.statistics().written]).toEqual([true, 1]);
  });

  test("flush and close wait for the write on its way, and write the rest", async () => {
    const { clock, sink, recorder } = late();
    for (let n = 0; n < 300; n++) recorder.record(sampleRow(n));
    clock.advance(0);
    const flushed = recorder.flush();
    while (recorder.statistics().waiting > 0) await sink.settle();
    await flushed;
    recorder.record(sampleRow(300));
    clock.advance(200);
    recorder.record(sampleRow(301));
    const closed = recorder.close();
    while (recorder.statistics().waiting > 0) await sink.settle();
    await closed;
    expect(sink.batches).toEqual([256, 44, 1, 1]);
    expect(clock.pending).toBe(0);
  });
});
