import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ManualClock } from "../../test/manual-clock.ts";
import { systemClock } from "../clock.ts";
import { ModelRepository } from "../model-repository/repository.ts";
import { FakeWorkerPool } from "./fake-worker-pool.ts";
import { describeWorkerPool, plain } from "./worker-pool.contract.ts";
import { ThreadPool, type ThreadPoolOptions } from "./worker-pool.ts";

const modelsDir = join(import.meta.dir, "../../test/fixtures/models");
const worker = new URL("../../workers/inference.worker.ts", import.meta.url);
const { models } = await ModelRepository.open(modelsDir, { defaultModel: "rgb-float32" });
const only = (name: string) => models.filter((model) => model.manifest.name === name);
const modelKey = only("rgb-float32")[0]!.key;

function threads(options: Partial<ThreadPoolOptions> = {}): ThreadPool {
  return new ThreadPool({ worker, size: 2, models: only("rgb-float32"), clock: systemClock, ...options });
}

/** A thread that does what its test needs, given as source text. */
function thread(source: string): URL {
  return new URL(URL.createObjectURL(new Blob([source], { type: "application/javascript" })));
}

const READY = `postMessage({ kind: "ready", maxBatch: { "rgb-float32/1.0.0": 8 } });`;

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
    const counter = new Int32Array(new SharedArrayBuffer(4));
    const entry = thread(`
      onmessage = ({ data }) => {
        if (data.kind === "leave" || data.kind === "run") process.exit(0);
        else if (data.models[0].starts[0]++ === 0) ${READY}
        else postMessage({ kind: "load_failed", failure: { code: "MODEL_NOT_READY", detail: "no" } });
      };`);
    const immediate = {
      ...systemClock,
      after: (_delayMs: number, task: () => void) => systemClock.after(0, task),
    };
    const pool = threads({
      worker: entry,
      size: 1,
      clock: immediate,
      models: [{ ...only("rgb-float32")[0]!, starts: counter } as never],
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
});
