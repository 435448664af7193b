import { workersFor } from "../cores.ts";
import { PinholeError } from "../errors.ts";
import { Batcher } from "../inference/batcher.ts";
import { BufferPool } from "../inference/buffer-pool.ts";
import { WORKER_EVENTS } from "../inference/worker-events.ts";
import { ThreadPool } from "../inference/worker-pool.ts";
import type { ModelRepository } from "../model-repository/repository.ts";
import type { Shared } from "./shared.ts";

const WORKER = new URL("../../workers/inference.worker.ts", import.meta.url);
/** Past the deadline nobody waits for a batch; some are only slow, as when the machine is busy with others. */
const WEDGED_MARGIN_MS = 5000;

/** Image tensors' memory that lies idle, for each worker: a few of the largest that models usually want. */
const IDLE_TENSOR_BYTES = 16 * 1024 * 1024;

/** The pool, every model warm in every worker, and the batcher before it. */
export async function composeWorkers(
  { config, clock, random, log, metrics, several, undo }: Shared,
  repository: ModelRepository,
) {
  const processes = several === null ? 1 : config.processes;
  const workerCount = config.workerCount || workersFor(processes);
  let onLost: () => void = () => undefined;
  const imageMemory = new BufferPool({ maxBytes: workerCount * IDLE_TENSOR_BYTES });
  const pool = new ThreadPool({
    worker: WORKER,
    size: workerCount,
    models: repository.models,
    clock,
    wedgedMs: config.workerWedgedMs || config.deadlineMs + WEDGED_MARGIN_MS,
    recycle: { batches: config.workerRecycleBatches, random },
    onEvent: (event) => {
      metrics.workerEvent(event.event);
      log[WORKER_EVENTS[event.event]](event, event.event.replaceAll("_", " "));
    },
    onTimed: ({ key }, { maxBatch, singleMs, rowMs, pays }) =>
      log.info(
        { model: key, batch: pays ? maxBatch : 1, single_ms: singleMs, batched_row_ms: rowMs },
        pays ? "batches pay" : "batches do not pay",
      ),
    onLost: () => {
      for (const { key } of repository.models) repository.markNotReady(key);
      // What the workers that are left can still answer, they do.
      if (usableWorkers() === 0)
        batcher.abandon(new PinholeError("MODEL_NOT_READY", "No worker is left: try again shortly."));
      onLost();
    },
  });
  const usableWorkers = () => pool.idle + pool.busy;
  const batcher = new Batcher({
    pool,
    clock,
    onBatch: (model, rows) => metrics.batch(model.key, rows),
    onRun: (model, rows) => metrics.run(model.key, rows),
    onDrop: (reason) => metrics.drop(reason),
    memory: imageMemory,
  });
  undo.push(() => pool.close());
  await pool.start();
  for (const { key } of repository.models) repository.markReady(key);
  return {
    workerCount,
    pool,
    batcher,
    imageMemory,
    /** Workers that are loaded, warm and trusted. */
    usableWorkers,
    /** Told once when so many workers are lost that the process must be replaced. */
    onLost(listener: () => void) {
      onLost = listener;
    },
  };
}
