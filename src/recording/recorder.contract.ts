import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { sampleRow } from "../../test/sample-row.ts";
import type { Clock } from "../clock.ts";
import type { Recorder } from "./recorder.ts";
import type { PredictionRow } from "./row.ts";

export interface RecorderUnderTest {
  recorder: Recorder;
  /** What the store holds, in the order in which it was written. */
  stored: () => PredictionRow[];
  /** While true every write fails. */
  setBroken: (broken: boolean) => void;
}

export interface RecorderGiven {
  /** Rows that may wait. */
  bufferRows: number;
  flushIntervalMs: number;
  clock: Clock;
}

/** What every recorder must keep, however it is made. `make` gives a new one over an empty store. */
export function describeRecorder(name: string, make: (given: RecorderGiven) => RecorderUnderTest): void {
  const setUp = () => {
    const clock = new ManualClock();
    return { clock, ...make({ bufferRows: 1000, flushIntervalMs: 200, clock }) };
  };
  const rows = (count: number, from = 0) => Array.from({ length: count }, (_, n) => sampleRow(from + n));

  describe(`${name} keeps the recorder contract`, () => {
    test("writes within the interval, in order, whole", () => {
      const { recorder, stored, clock } = setUp();
      const given = rows(3);
      for (const row of given) recorder.record(row);
      expect(stored()).toEqual([]);
      clock.advance(200);
      expect(stored()).toEqual(given);
      expect(recorder.statistics()).toEqual({
        waiting: 0,
        written: 3,
        failures: 0,
        dropped: { buffer_full: 0, closed: 0, rejected: 0 },
      });
    });

    test("finds rows that wait, rows that are written, and no others", async () => {
      const { recorder, clock } = setUp();
      const row = sampleRow(1);
      recorder.record(row);
      expect(await recorder.find(row.id)).toEqual(row);
      clock.advance(200);
      expect(recorder.statistics().waiting).toBe(0);
      expect(await recorder.find(row.id)).toEqual(row);
      expect(await recorder.find(sampleRow(2).id)).toBeNull();
    });

    test("flush writes everything that waits now", async () => {
      const { recorder, stored } = setUp();
      for (const row of rows(700)) recorder.record(row);
      await recorder.flush();
      expect(stored().length).toBe(700);
      expect(recorder.statistics().waiting).toBe(0);
    });

    test("close flushes and takes nothing more", async () => {
      const { recorder, stored } = setUp();
      for (const row of rows(5)) recorder.record(row);
      await recorder.close();
      expect(stored().length).toBe(5);
      recorder.record(sampleRow(6));
      await recorder.flush();
      await recorder.close();
      expect(stored().length).toBe(5);
      expect(recorder.statistics().dropped.closed).toBe(1);
    });

    test("past the bound rows are dropped and counted, those that wait stay", async () => {
      const { recorder, stored } = setUp();
      for (const row of rows(1003)) recorder.record(row);
      expect(recorder.statistics()).toMatchObject({ waiting: 1000, dropped: { buffer_full: 3 } });
      await recorder.flush();
      expect(stored()).toEqual(rows(1000));
    });

    test("while the store fails rows wait, and all are there once it is well again", async () => {
      const { recorder, stored, setBroken, clock } = setUp();
      setBroken(true);
      for (const row of rows(300)) recorder.record(row);
      await recorder.flush();
      expect(recorder.healthy).toBe(false);
      clock.advance(60_000);
      for (const row of rows(300, 300)) recorder.record(row);
      clock.advance(60_000);
      expect(recorder.healthy).toBe(false);
      expect(recorder.statistics()).toMatchObject({ waiting: 600, written: 0, dropped: { rejected: 0 } });
      expect(recorder.statistics().failures).toBeGreaterThan(1);

      setBroken(false);
      clock.advance(10_000);
      expect(recorder.healthy).toBe(true);
      const byId = (a: PredictionRow, b: PredictionRow) => a.id.localeCompare(b.id);
      expect(stored().sort(byId)).toEqual(rows(600));
    });

    test("closing over a store that stays broken ends, and counts what is lost", async () => {
      const { recorder, setBroken } = setUp();
      setBroken(true);
      for (const row of rows(10)) recorder.record(row);
      await recorder.close();
      expect(recorder.statistics()).toMatchObject({ waiting: 0, written: 0, dropped: { closed: 10 } });
    });
  });
}
