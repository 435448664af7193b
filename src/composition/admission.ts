import { AdaptiveLimit } from "../admission/adaptive-limit.ts";
import { Admission } from "../admission/admission.ts";
import { FairQueue } from "../admission/fair-queue.ts";
import { QueueBound } from "../admission/queue-bound.ts";
import { Reading } from "../admission/reading.ts";
import type { ModelRepository } from "../model-repository/repository.ts";
import type { Shared } from "./shared.ts";
import type { composeWorkers } from "./workers.ts";

/** Most images in flight for each worker and each row of the largest batch, wherever the limit would go. */
const IN_FLIGHT_MOST = 8;

/** Who may come in, who waits and how many are worked on. @param shedding whether newcomers are refused for memory */
export function composeAdmission(
  { config, clock, random, metrics }: Shared,
  { pool, workerCount }: Pick<Awaited<ReturnType<typeof composeWorkers>>, "pool" | "workerCount">,
  { models }: ModelRepository,
  shedding: () => boolean,
) {
  const largestBatch = Math.max(
    ...models.map(({ key, manifest }) => Math.min(manifest.batch.max_size, pool.maxBatch(key))),
  );
  const limit = new AdaptiveLimit({
    workers: workerCount,
    largestBatch,
    // One more than the workers: a picture that is decoded while they run.
    min: config.inFlightMax || workerCount + 1,
    max: config.inFlightMax || IN_FLIGHT_MOST * workerCount * largestBatch,
    clock,
  });
  const queueBound = new QueueBound({
    limit,
    waitMs: config.queueWaitMs,
    capacityMax: config.queueCapacity,
  });
  const fairQueue = new FairQueue({
    inFlightMax: () => limit.limit,
    // One worker is left to whoever asks little.
    share: Math.max(1, workerCount - 1),
    capacity: () => queueBound.capacity,
    waitMs: () => queueBound.waitMs,
    retryAfterSeconds: () => admission.retryAfterSeconds(),
    clock,
    onWork: (work) => limit.add(work),
  });
  const admission: Admission = new Admission({
    ...config,
    clock,
    random,
    isQueueFull: (clientKey) => fairQueue.isFullFor(clientKey),
    onDrop: (reason) => metrics.drop(reason),
  });
  const reading = new Reading({ ...config, admission, shedding, clock, random });
  /** How full the server is now: what operators see. */
  const figures = () => ({
    admitted: admission.admitted,
    queued: fairQueue.waiting,
    inFlight: fairQueue.inFlight,
    heldBytes: admission.bytes,
    inFlightLimit: limit.limit,
    gradient: limit.gradient,
    baselineMs: limit.baselineMs,
    queueLimit: queueBound.capacity,
    queueWaitMs: queueBound.waitMs,
  });
  return { admission, reading, fairQueue, figures };
}
