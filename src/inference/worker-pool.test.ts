import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ManualClock } from "../../test/manual-clock.ts";
import { systemClock } from "../clock.ts";
import { ModelRepository } from "../model-repository/repository.ts";
import { FakeWorkerPool } from "./fake-worker-pool.ts";
import { NotBegun } from "./pool-worker.ts";
import { describeWorkerPool, plain } from "./worker-pool.contract.ts";
import { ThreadPool, type ThreadPoolOptions } from "./worker-pool.ts";

const modelsDir = join(import.meta.dir, "../../test/fixtures/models");
const worker = new URL("../../workers/inference.worker.ts", import.meta.url);
const { models } = await ModelRepository.open(modelsDir, { defaultModel: "rgb-float32" });
const only = (name: string) => models.filter((model) => model.manifest.name === name);
const modelKey = only("rgb-float32")[0]!.key;

/** A model with shared memory beside it, over which a test steers its threads. */
const steered = (memory: Int32Array) => [{ ...only("rgb-float32")[0]!, memory } as never];
const sharedMemory = () => new Int32Array(new SharedArrayBuffer(4));

function threads(options: Partial<ThreadPoolOptions> = {}): ThreadPool {
  return new ThreadPool({ worker, size: 2, models: only("rgb-float32"), clock: systemClock, ...options });
}

/** A thread that does what its test needs, given as source text. */
function thread(source: string): URL {
  return new URL(URL.createObjectURL(new Blob([source], { type: "application/javascript" })));
}

const READY = `postMessage({ kind: "ready", models: { [data.models[0].key]: { maxBatch: 8, singleMs: 10, rowMs: 5 } } });`;

describeWorkerPool("threads", { modelKey, make: () => threads() });

describeWorkerPool("fake", {
  modelKey,
  make: () =>
    new FakeWorkerPool({
      size: 2,
      network: ({ data, width, height }) => {
        if (data.byteLength !== width * height * 3) throw new Error("size");
        const logits = Float32Array.from(new Uint8Array(data, 0, 3));
        const quality = { sharpness: 1, brightness: 1, issues: [] };
        return { ok: true, row: { logits, unknownScore: null, activationMap: null, quality } };
      },
    }),
});

/** Waits are over at once. */
const immediate = {
  ...systemClock,
  after: (_delayMs: number, task: () => void) => systemClock.after(0, task),
};

/** Answers with its own number as `preprocessMs`; a picture of width 1 holds it until the memory is not 0. */
const HOLDS = thread(`
  const number = Math.random();
  let memory;
  onmessage = ({ data }) => {
    if (data.kind === "leave") process.exit(0);
    if (data.kind === "load") {
      memory = data.models[0].memory;
      return ${READY}
    }
    if (data.images[0].width === 1) Atomics.wait(memory, 0, 0);
    postMessage({ kind: "done", batch: data.batch, rows: [], preprocessMs: number, inferMs: 0, buffers: [] });
  };`);

const holding = () => [{ ...plain("red"), width: 1 }];

/** A pool whose events can be waited for. */
function watched(options: Partial<ThreadPoolOptions>) {
  const events: string[] = [];
  let wake = () => {};
  const pool = threads({
    worker: HOLDS,
    onEvent: ({ event }) => {
      events.push(event);
      wake();
    },
    ...options,
  });
  const happens = async (event: string, times = 1) => {
    while (events.filter((one) => one === event).length < times)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { pool, events, happens };
}

/** Until what a thread does by itself is done. */
async function becomes(isSo: () => boolean): Promise<void> {
  while (!isSo()) await Bun.sleep(2);
}

describe("worker threads", () => {
  test("every model is loaded in every worker; the graph's batch is known", async () => {
    const pool = threads({ models, size: 1 });
    await pool.start();
    expect(pool.maxBatch(only("fixed-batch-4")[0]!.key)).toBe(4);
    expect(pool.maxBatch(only("rgb-float32")[0]!.key)).toBe(8);
    await pool.close();
  });

  test("a model that cannot be opened fails the start, saying why in private", async () => {
    const [model] = only("rgb-float32");
    const broken = { ...model!, path: join(modelsDir, "make_models.py") };
    const failure = await threads({ models: [broken] })
      .start()
      .catch((error) => error);
    expect(failure.code).toBe("MODEL_NOT_READY");
    expect(failure.detail).not.toContain(modelsDir);
    expect(String(failure.cause)).toContain("rgb-float32");
  });

  test("a worker that dies fails its batch alone and is replaced", async () => {
    const events: string[] = [];
    const replaced = Promise.withResolvers<void>();
    const entry = thread(`
      onmessage = ({ data }) => {
        if (data.kind === "load") ${READY}
        else if (data.kind === "leave") process.exit(0);
        else if (data.images[0].width === 1) process.exit(7);
        else postMessage({ kind: "done", batch: data.batch, rows: [], preprocessMs: 0, inferMs: 0, buffers: [] });
      };`);
    const pool = threads({
      worker: entry,
      onEvent: ({ event }) => {
        events.push(event);
        if (event === "worker_replaced") replaced.resolve();
      },
    });
    await pool.start();
    const dying = pool.run(modelKey, [{ ...plain("red"), width: 1 }]).catch((error) => error);
    const other = pool.run(modelKey, [plain("red")]);
    expect((await dying).code).toBe("INFERENCE_FAILED");
    await other;
    await replaced.promise;
    expect([pool.idle, ...events]).toEqual([2, "worker_lost", "worker_replaced"]);
    await pool.close();
  });

  test("a pool whose replacements keep failing says that it is lost", async () => {
    const lost = Promise.withResolvers<void>();
    const failures: string[] = [];
    const counter = sharedMemory();
    const entry = thread(`
      onmessage = ({ data }) => {
        if (data.kind === "leave" || data.kind === "run") process.exit(0);
        else if (data.models[0].memory[0]++ === 0) ${READY}
        else postMessage({ kind: "load_failed", failure: { code: "MODEL_NOT_READY", detail: "no" } });
      };`);
    const pool = threads({
      worker: entry,
      size: 1,
      clock: immediate,
      models: steered(counter),
      onEvent: ({ event }) => failures.push(event),
      onLost: () => lost.resolve(),
    });
    await pool.start();
    await pool.run(modelKey, [plain("red")]).catch(() => undefined);
    await lost.promise;
    expect(failures.filter((event) => event === "worker_replacement_failed").length).toBe(6);
    expect(pool.idle).toBe(0);
    await pool.close();
  });

  test("a pool has stalled while no worker is free and no batch begins or ends", async () => {
    const clock = new ManualClock();
    const entry = thread(`
      onmessage = ({ data }) => {
        if (data.kind === "load") ${READY}
        else if (data.kind === "leave") process.exit(0);
        else {
          const done = () => postMessage({ kind: "done", batch: data.batch, rows: [], preprocessMs: 0, inferMs: 0, buffers: [] });
          new BroadcastChannel("stalled-" + data.images[0].width).onmessage = done;
        }
      };`);
    const pool = threads({ worker: entry, clock });
    await pool.start();
    clock.advance(1000);
    expect(pool.stalledMs).toBe(0);
    const first = pool.run(modelKey, [{ ...plain("red"), width: 1 }]);
    clock.advance(1000);
    expect(pool.stalledMs).toBe(0);
    const second = pool.run(modelKey, [{ ...plain("red"), width: 2 }]);
    expect(pool.stalledMs).toBe(0);
    clock.advance(700);
    expect(pool.stalledMs).toBe(700);
    const finish = async (width: number, run: Promise<unknown>) => {
      const channel = new BroadcastChannel(`stalled-${width}`);
      let isDone = false;
      run.then(() => {
        isDone = true;
      });
      // The worker may not be listening yet.
      while (!isDone) {
        channel.postMessage("finish");
        await Bun.sleep(5);
      }
      channel.close();
    };
    await finish(1, first);
    expect(pool.stalledMs).toBe(0);
    const third = pool.run(modelKey, [{ ...plain("red"), width: 1 }]);
    clock.advance(300);
    expect(pool.stalledMs).toBe(300);
    await finish(2, second);
    await finish(1, third);
    await pool.close();
  });

  test("a worker whose batch fails goes on", async () => {
    const model = only("fails-on-white")[0]!;
    const { pool, events } = watched({ worker, size: 1, models: [model] });
    await pool.start();
    const white = { ...plain("red"), data: new Uint8Array(32 * 32 * 3).fill(255).buffer };
    const failed = await pool.run(model.key, [white]);
    expect(failed.rows.map((row) => !row.ok && row.failure.code)).toEqual(["INFERENCE_FAILED"]);
    const after = await pool.run(model.key, [plain("green")]);
    expect(after.rows.map(({ ok }) => ok)).toEqual([true]);
    expect([pool.idle, ...events]).toEqual([1]);
    await pool.close();
  });

  test("a wedged worker gets no more work and is replaced; it leaves when its batch ends after all", async () => {
    const [clock, memory] = [new ManualClock(), sharedMemory()];
    const { pool, events, happens } = watched({ clock, wedgedMs: 1000, models: steered(memory) });
    await pool.start();
    const wedged = pool.run(modelKey, holding()).catch((error) => error);
    clock.advance(999);
    expect([pool.busy, pool.idle]).toEqual([1, 1]);
    clock.advance(1);
    expect((await wedged).code).toBe("INFERENCE_FAILED");
    expect([pool.busy, pool.idle, pool.count("quarantined")]).toEqual([0, 1, 1]);
    clock.advance(100);
    await happens("worker_replaced");
    expect([pool.busy, pool.idle, pool.count("quarantined")]).toEqual([0, 2, 1]);
    const both = [pool.run(modelKey, [plain("red")]), pool.run(modelKey, [plain("red")])];
    expect(pool.room).toBe(2);
    await Promise.all(both);

    memory[0] = 1;
    Atomics.notify(memory, 0);
    await happens("worker_returned");
    await becomes(() => pool.count("quarantined") === 0);
    expect([pool.idle, ...events]).toEqual([2, "worker_wedged", "worker_replaced", "worker_returned"]);
    await pool.close();
  });

  test("a batch is handed over to wait behind another, unless that one takes long", async () => {
    const [clock, memory] = [new ManualClock(), sharedMemory()];
    const { pool } = watched({ clock, models: steered(memory), size: 1 });
    await pool.start();
    expect(pool.room).toBe(1);
    const first = pool.run(modelKey, holding());
    // It is expected to take 10 ms.
    expect([pool.idle, pool.busy, pool.room, pool.freeInMs]).toEqual([0, 1, 1, 10]);
    clock.advance(7);
    expect(pool.freeInMs).toBe(3);
    clock.advance(29);
    expect([pool.room, pool.freeInMs]).toEqual([0, Number.POSITIVE_INFINITY]);
    // Whoever saw the room a moment ago, and comes late with the batch, is not refused.
    const late = pool.run(modelKey, [plain("red")]);
    memory[0] = 1;
    Atomics.notify(memory, 0);
    await Promise.all([first, late]);
    // Ten rows are expected to take 100.
    const long = pool.run(
      modelKey,
      Array.from({ length: 10 }, () => plain("red")),
    );
    expect(pool.room).toBe(0);
    await long;
    const [next, afterNext] = [pool.run(modelKey, [plain("red")]), pool.run(modelKey, [plain("red")])];
    expect([pool.busy, pool.room]).toEqual([1, 0]);
    await Promise.all([next, afterNext]);
    expect([pool.idle, pool.freeInMs, clock.pending]).toEqual([1, 0, 0]);
    await pool.close();
    expect(pool.freeInMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("a batch that waits behind one that does not end is handed back, and can be run by another", async () => {
    const [clock, memory] = [new ManualClock(), sharedMemory()];
    const { pool, happens } = watched({ clock, wedgedMs: 5000, models: steered(memory) });
    await pool.start();
    const wedged = pool.run(modelKey, holding()).catch((error) => error);
    // So many rows that nothing is put behind them.
    const other = pool.run(
      modelKey,
      Array.from({ length: 10 }, () => plain("red")),
    );
    const waiting = pool.run(modelKey, [plain("red")]).catch((error) => error);
    await other;
    clock.advance(1000);
    expect(await waiting).toBeInstanceOf(NotBegun);
    expect([pool.busy, pool.room]).toEqual([1, 1]);
    await pool.run(modelKey, [plain("red")]);
    clock.advance(4000);
    expect(await wedged).not.toBeInstanceOf(NotBegun);
    expect((await wedged).code).toBe("INFERENCE_FAILED");
    clock.advance(100);
    await happens("worker_replaced");
    memory[0] = 1;
    Atomics.notify(memory, 0);
    await happens("worker_returned");
    await becomes(() => pool.count("quarantined") === 0);
    expect([pool.idle, pool.busy]).toEqual([2, 0]);
    await pool.close();
  });

  test("a batch that was handed back is run for nobody when its turn comes after all", async () => {
    const [clock, memory] = [new ManualClock(), sharedMemory()];
    const { pool } = watched({ clock, wedgedMs: 5000, models: steered(memory), size: 1 });
    await pool.start();
    const slow = pool.run(modelKey, holding());
    const waiting = pool.run(modelKey, [plain("red")]).catch((error) => error);
    clock.advance(1000);
    expect(await waiting).toBeInstanceOf(NotBegun);
    memory[0] = 1;
    Atomics.notify(memory, 0);
    await slow;
    const after = await pool.run(modelKey, [plain("red")]);
    expect(after.rows).toEqual([]);
    expect([pool.idle, clock.pending]).toEqual([1, 0]);
    await pool.close();
  });

  test("a batch that waits in a worker that dies is handed back", async () => {
    const entry = thread(`
      onmessage = ({ data }) => {
        if (data.kind === "load") ${READY}
        else process.exit(0);
      };`);
    const { pool } = watched({ worker: entry, size: 1 });
    await pool.start();
    const [ran, waiting] = [pool.run(modelKey, [plain("red")]), pool.run(modelKey, [plain("red")])].map(
      (run) => run.catch((error) => error),
    );
    expect((await ran) instanceof NotBegun).toBe(false);
    expect(await waiting).toBeInstanceOf(NotBegun);
    await pool.close();
  });

  test("batches are run only where they pay by the best time of any worker, and it is said once", async () => {
    const counter = sharedMemory();
    const times = (rowMs: string) => `({ maxBatch: 8, singleMs: 10, rowMs: ${rowMs} })`;
    const entry = (rowMs: string) =>
      thread(`
        onmessage = ({ data }) => {
          if (data.kind === "leave") process.exit(0);
          const turn = Atomics.add(data.models[0].memory, 0, 1);
          postMessage({ kind: "ready", models: { [data.models[0].key]: ${times(rowMs)} } });
        };`);
    for (const [rowMs, pays] of [
      ["9.9 + turn % 2", false],
      ["9.8 + turn % 2", true],
    ] as const) {
      const told: unknown[] = [];
      const pool = threads({
        worker: entry(rowMs),
        models: steered(counter),
        onTimed: (model, timed) => told.push([model.key, timed.pays, timed.rowMs]),
      });
      await pool.start();
      expect(pool.maxBatch(modelKey)).toBe(pays ? 8 : 1);
      expect(told).toEqual([[modelKey, pays, Number.parseFloat(rowMs)]]);
      await pool.close();
    }
  });

  test("a pool with more than half of its threads wedged is lost; it can be closed all the same", async () => {
    const [clock, memory] = [new ManualClock(), sharedMemory()];
    let lost = 0;
    const models = steered(memory);
    const { pool, events } = watched({ clock, wedgedMs: 1000, models, size: 3, onLost: () => lost++ });
    await pool.start();
    const runs = [0, 1, 2].map(() => pool.run(modelKey, holding()).catch((error) => error.code));
    clock.advance(1000);
    expect(await Promise.all(runs)).toEqual(Array(3).fill("INFERENCE_FAILED"));
    expect([lost, ...events]).toEqual([1, "worker_wedged", "worker_wedged", "pool_lost", "worker_wedged"]);
    await pool.close();
    memory[0] = 1;
    Atomics.notify(memory, 0);
    await becomes(() => pool.count("quarantined") === 0);
  });

  test("a process that stood still takes no worker for wedged", async () => {
    const [manual, memory] = [new ManualClock(), sharedMemory()];
    let stoodStillMs = 0;
    const clock = {
      now: () => manual.now() + stoodStillMs,
      wall: () => manual.wall(),
      after: (delayMs: number, task: () => void) => manual.after(delayMs, task),
    };
    const { pool } = watched({ clock, wedgedMs: 1000, models: steered(memory), size: 1 });
    await pool.start();
    const running = pool.run(modelKey, holding());
    stoodStillMs = 60_000;
    manual.advance(1000);
    expect(pool.busy).toBe(1);
    memory[0] = 1;
    Atomics.notify(memory, 0);
    await running;
    expect([pool.idle, manual.pending]).toEqual([1, 0]);
    await pool.close();
  });

  test("a worker that has run its batches is recycled, once another is ready", async () => {
    const { pool, happens } = watched({
      size: 1,
      models: steered(sharedMemory()),
      recycle: { batches: 10, random: () => 0 },
    });
    await pool.start();
    const numberOf = async () => (await pool.run(modelKey, [plain("red")])).preprocessMs;
    const numbers = [];
    // A tenth less than ten, by chance.
    for (let batch = 0; batch < 9; batch++) numbers.push(await numberOf());
    expect(pool.idle).toBe(1);
    await happens("worker_recycled");
    expect([pool.idle, pool.count("leaving")]).toEqual([1, 1]);
    numbers.push(await numberOf());
    await becomes(() => pool.count("leaving") === 0);
    expect(pool.idle).toBe(1);
    expect(new Set(numbers.slice(0, 9)).size).toBe(1);
    expect(numbers[9]).not.toBe(numbers[0]);
    await pool.close();
  });

  test("where no fresh worker starts, the old one goes on, and it is tried again after a while", async () => {
    const [clock, memory] = [new ManualClock(), sharedMemory()];
    const entry = thread(`
      onmessage = ({ data }) => {
        if (data.kind === "leave") process.exit(0);
        if (data.kind === "load") {
          if (data.models[0].memory[0]++ === 0) return ${READY}
          return postMessage({ kind: "load_failed", failure: { code: "MODEL_NOT_READY", detail: "no" } });
        }
        postMessage({ kind: "done", batch: data.batch, rows: [], preprocessMs: 0, inferMs: 0, buffers: [] });
      };`);
    const { pool, events, happens } = watched({
      worker: entry,
      clock,
      size: 1,
      models: steered(memory),
      recycle: { batches: 1, random: () => 0.5 },
    });
    await pool.start();
    await pool.run(modelKey, [plain("red")]);
    await happens("worker_recycling_failed");
    await pool.run(modelKey, [plain("red")]);
    expect([pool.idle, memory[0], ...events]).toEqual([1, 2, "worker_recycling_failed"]);
    clock.advance(60_000);
    await pool.run(modelKey, [plain("red")]);
    await happens("worker_recycling_failed", 2);
    expect(pool.idle).toBe(1);
    await pool.close();
  });

  test("replacements that end before they have run a batch are failures, too", async () => {
    const lost = Promise.withResolvers<void>();
    const entry = thread(`
      let memory;
      onmessage = ({ data }) => {
        if (data.kind === "leave" || data.kind === "run") process.exit(0);
        if (data.models[0].memory[0]++ > 0) setTimeout(() => process.exit(3), 20);
        ${READY}
      };`);
    const models = steered(sharedMemory());
    const { pool, events } = watched({
      worker: entry,
      clock: immediate,
      size: 1,
      models,
      onLost: lost.resolve,
    });
    await pool.start();
    await pool.run(modelKey, [plain("red")]).catch(() => undefined);
    await lost.promise;
    expect(events.filter((event) => event === "worker_lost").length).toBe(7);
    expect([pool.idle, events.at(-1)]).toEqual([0, "pool_lost"]);
    await pool.close();
  });
});
