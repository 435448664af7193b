import { describe, expect, test } from "bun:test";
import { PinholeError } from "../errors.ts";
import type { WireImage } from "./messages.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface PoolUnderTest {
  /** A pool of two workers, not started, whose model gives class 0, 1 or 2 for a red, green or blue picture. */
  make(): WorkerPool;
  modelKey: string;
}

const COLORS = { red: [255, 0, 0], green: [0, 255, 0], blue: [0, 0, 255] } as const;

/** A plain picture, [32, 32, 3]. */
export function plain(color: keyof typeof COLORS): WireImage {
  const data = new Uint8Array(32 * 32 * 3);
  for (let i = 0; i < data.length; i++) data[i] = COLORS[color][i % 3]!;
  return { data: data.buffer, width: 32, height: 32, explain: false };
}

/** A picture whose size does not fit its bytes: preprocessing must refuse it. */
function broken(): WireImage {
  return { data: new ArrayBuffer(10), width: 32, height: 32, explain: false };
}

const best = (logits: Float32Array) => logits.indexOf(Math.max(...logits));

/** What every worker pool must keep, the real one and the fake one. */
export function describeWorkerPool(name: string, { make, modelKey }: PoolUnderTest): void {
  const withPool = async (work: (pool: WorkerPool) => Promise<void>) => {
    const pool = make();
    await pool.start();
    try {
      await work(pool);
    } finally {
      await pool.close();
    }
  };

  describe(`worker pool: ${name}`, () => {
    test("nothing is idle before the start, everything after it, nothing after the end", async () => {
      const pool = make();
      expect([pool.size, pool.idle, pool.busy]).toEqual([2, 0, 0]);
      await pool.start();
      expect([pool.idle, pool.busy]).toEqual([2, 0]);
      await pool.close();
      expect([pool.idle, pool.busy]).toEqual([0, 0]);
    });

    test("a batch is answered row by row, in order", () =>
      withPool(async (pool) => {
        const { rows } = await pool.run(modelKey, [plain("blue"), plain("red"), plain("green")]);
        expect(rows.map((row) => (row.ok ? best(row.row.logits) : row.failure.code))).toEqual([2, 0, 1]);
      }));

    test("images are moved, not copied", () =>
      withPool(async (pool) => {
        const image = plain("red");
        const answer = pool.run(modelKey, [image]);
        expect(image.data.byteLength).toBe(0);
        await answer;
      }));

    test("a bad row fails alone", () =>
      withPool(async (pool) => {
        const { rows } = await pool.run(modelKey, [plain("green"), broken(), plain("blue")]);
        expect(rows.map((row) => (row.ok ? best(row.row.logits) : "failed"))).toEqual([1, "failed", 2]);
      }));

    test("gives the images' buffers back", () =>
      withPool(async (pool) => {
        const images = [plain("red"), plain("blue")];
        const { buffers } = await pool.run(modelKey, images);
        expect(buffers.map(({ byteLength }) => byteLength)).toEqual([32 * 32 * 3, 32 * 32 * 3]);
      }));

    test("a worker is busy while it runs and news comes when it is idle again", () =>
      withPool(async (pool) => {
        let news = 0;
        const idle = Promise.withResolvers<void>();
        pool.onRoom(() => {
          news++;
          if (pool.idle === 2) idle.resolve();
        });
        const both = [pool.run(modelKey, [plain("red")]), pool.run(modelKey, [plain("red")])];
        expect([pool.idle, pool.busy]).toEqual([0, 2]);
        await Promise.all(both);
        await idle.promise;
        expect(news).toBeGreaterThanOrEqual(1);
      }));

    test("idle workers come first; runs that no worker can take are refused and lose nothing", () =>
      withPool(async (pool) => {
        expect(pool.room).toBe(2);
        const runs = [pool.run(modelKey, [plain("red")]), pool.run(modelKey, [plain("red")])];
        expect([pool.idle, pool.busy]).toEqual([0, 2]);
        for (let more = 0; more < 6; more++) runs.push(pool.run(modelKey, [plain("red")]));
        const ended = await Promise.allSettled(runs);
        const taken = ended.flatMap((run) => (run.status === "fulfilled" ? [run.value] : []));
        expect(taken.length).toBeWithin(2, 5);
        expect(taken.every(({ rows }) => rows[0]!.ok)).toBe(true);
        const refused = ended.flatMap((run) => (run.status === "rejected" ? [run.reason] : []));
        expect(refused.every((error) => error instanceof PinholeError)).toBe(true);
        expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["MODEL_NOT_READY"]));
      }));

    test("closing waits for what runs; later runs are refused", async () => {
      const pool = make();
      await pool.start();
      const running = pool.run(modelKey, [plain("blue")]);
      await pool.close();
      expect((await running).rows[0]!.ok).toBe(true);
      expect(pool.run(modelKey, [plain("blue")])).rejects.toThrow("MODEL_NOT_READY");
    });
  });
}
