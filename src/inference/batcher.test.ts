import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { ClientGone, type DropReason } from "../admission/drop.ts";
import { systemClock } from "../clock.ts";
import type { Model } from "../model-repository/manifest.ts";
import { Batcher, type Task } from "./batcher.ts";
import { FakeWorkerPool } from "./fake-worker-pool.ts";
import type { RowOutcome, WireImage } from "./messages.ts";

const quality = { sharpness: 1, brightness: 0.5, issues: [] };
const model = (key: string, max_size = 4, max_wait_ms = 0) =>
  ({ key, manifest: { batch: { max_size, max_wait_ms } } }) as unknown as Model;

/** The answer to a picture is its first byte, once the gate of its run is opened. */
function setUp(size = 1) {
  const batches: number[] = [];
  const runs: number[] = [];
  const dropped: DropReason[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  let open = false;
  const network = async (image: WireImage): Promise<RowOutcome> => {
    const first = new Uint8Array(image.data)[0]!;
    if (!open) {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
    }
    if (first === 255) throw new Error("bad row");
    const logits = new Float32Array([first]);
    return { ok: true, row: { logits, unknownScore: null, activationMap: null, quality } };
  };
  const pool = new FakeWorkerPool({ size, network, maxBatch: 8 });
  const batcher = new Batcher({
    pool,
    clock: systemClock,
    onBatch: (_, count) => batches.push(count),
    onRun: (_, rows) => runs.push(rows),
    onDrop: (reason) => dropped.push(reason),
    memory: { give: ({ byteLength }) => given.push(byteLength) },
  });
  const given: number[] = [];
  const release = () => {
    open = true;
    for (const gate of gates.splice(0)) gate.resolve();
  };
  return { pool, batcher, batches, runs, dropped, given, release };
}

function task(value: number, options: Partial<Task> = {}): Task {
  const image = { data: new Uint8Array([value, 0, 0]), width: 1, height: 1 };
  return { model: model("a/1"), image, explain: false, unwanted: () => null, ...options };
}

const values = async (answers: ReturnType<Batcher["submit"]>[]) =>
  (await Promise.all(answers)).map(({ row }) => row.logits[0]);

describe("batcher", () => {
  test("an idle worker takes a task at once; what waits meanwhile goes together, up to the largest batch", async () => {
    const { pool, batcher, batches, release } = setUp();
    await pool.start();
    const answers = [1, 2, 3, 4, 5, 6].map((value) => batcher.submit(task(value)));
    expect([batches, batcher.waiting]).toEqual([[1], 5]);
    release();
    expect(await values(answers)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(batches).toEqual([1, 4, 1]);
  });

  test("several idle workers share what waits", async () => {
    const { pool, batcher, batches, release } = setUp(2);
    const answers = [1, 2, 3, 4].map((value) => batcher.submit(task(value)));
    release();
    await pool.start();
    expect(await values(answers)).toEqual([1, 2, 3, 4]);
    expect(batches).toEqual([2, 2]);
  });

  test("a batch holds one model only, and the longest waiting goes first", async () => {
    const { pool, batcher, batches, release } = setUp();
    const [a, b] = [model("a/1"), model("b/1")];
    const answers = [task(1, { model: a }), task(2, { model: b }), task(3, { model: a })].map((t) =>
      batcher.submit(t),
    );
    release();
    await pool.start();
    expect(await values(answers)).toEqual([1, 2, 3]);
    expect(batches).toEqual([2, 1]);
  });

  test("what nobody wants any more is dropped before it runs, with its reason", async () => {
    const { pool, batcher, batches, dropped, release } = setUp();
    const gone = batcher.submit(task(1, { unwanted: () => "client_gone" })).catch((error) => error);
    const late = batcher.submit(task(2, { unwanted: () => "deadline" })).catch((error) => error);
    const kept = batcher.submit(task(3));
    release();
    await pool.start();
    expect(await gone).toBeInstanceOf(ClientGone);
    expect((await late).code).toBe("DEADLINE_EXCEEDED");
    expect((await kept).row.logits[0]).toBe(3);
    expect(batches).toEqual([1]);
    expect(dropped.sort()).toEqual(["client_gone", "deadline"]);
  });

  test("the memory of every picture is given back, run or dropped", async () => {
    const { pool, batcher, given, release } = setUp();
    const answers = [
      batcher.submit(task(1)),
      batcher.submit(task(255)),
      batcher.submit(task(3, { unwanted: () => "deadline" })),
    ];
    release();
    await pool.start();
    await Promise.allSettled(answers);
    expect(given).toEqual([3, 3, 3]);
  });

  test("a bad row does not spoil its batch", async () => {
    const { pool, batcher, runs, release } = setUp();
    const answers = [1, 255, 3].map((value) => batcher.submit(task(value)));
    release();
    await pool.start();
    const outcomes = await Promise.allSettled(answers);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(runs).toEqual([2]);
  });

  test("a manifest's wait lets tasks go together although a worker is idle, and no longer than that", async () => {
    const { pool, batcher, batches, release } = setUp();
    release();
    await pool.start();
    const patient = model("a/1", 2, 20);
    expect(await values([batcher.submit(task(1, { model: patient }))])).toEqual([1]);
    const full = [1, 2].map((value) => batcher.submit(task(value, { model: patient })));
    expect(await values(full)).toEqual([1, 2]);
    expect(batches).toEqual([1, 2]);
  });

  test("behind a running batch one goes as soon as it is full, and otherwise shortly before its turn", () => {
    const clock = new ManualClock();
    const freeAt = 20;
    const handedOver: [at: number, rows: number][] = [];
    const pool = Object.assign(
      new FakeWorkerPool({ size: 1, network: () => Promise.reject(), maxBatch: 8 }),
      {
        run: (_key: string, images: WireImage[]) => {
          handedOver.push([clock.now(), images.length]);
          return new Promise<never>(() => undefined);
        },
      },
    );
    Object.defineProperties(pool, {
      room: { get: () => 2 - handedOver.length },
      freeInMs: { get: () => freeAt - clock.now() },
    });
    const batcher = new Batcher({ pool, clock });
    for (const value of [1, 2, 3]) void batcher.submit(task(value));
    expect(handedOver).toEqual([]);
    clock.advance(5);
    void batcher.submit(task(4));
    expect(handedOver).toEqual([[5, 4]]);
    void batcher.submit(task(5));
    clock.advance(12);
    expect(handedOver).toEqual([[5, 4]]);
    void batcher.submit(task(6));
    clock.advance(1);
    expect(handedOver).toEqual([
      [5, 4],
      [18, 2],
    ]);
  });

  test("abandoning rejects all that waits", async () => {
    const { batcher } = setUp();
    const answer = batcher.submit(task(1));
    batcher.abandon(new ClientGone());
    expect(answer).rejects.toBeInstanceOf(ClientGone);
    expect(batcher.waiting).toBe(0);
  });
});
