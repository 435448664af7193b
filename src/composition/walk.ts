import { Admission } from "../admission/admission.ts";
import { FairQueue } from "../admission/fair-queue.ts";
import type { RateLimit } from "../admission/rate-limit.ts";
import { Reading } from "../admission/reading.ts";
import { Turnstile } from "../admission/turnstile.ts";
import { LruStore } from "../inference/answer-store.ts";
import { AnswerCache } from "../inference/cache.ts";
import { openDecoders } from "../inference/decoders/decoders.ts";
import { explain } from "../inference/explanation.ts";
import { type MadePrediction, Predictor } from "../inference/predictor.ts";
import { type Score, scoreBytes } from "../inference/score.ts";
import type { ModelRepository } from "../model-repository/repository.ts";
import { decodeCaps, imageLimits } from "./image-limits.ts";
import type { Shared } from "./shared.ts";
import type { composeWorkers } from "./workers.ts";

/** Enough that every worker has a full batch waiting while the next is decoded. */
const IN_FLIGHT_PER_WORKER = 8;

/** The stations of the walk and the predictor that passes through them. */
export async function composeWalk(
  { config, clock, newId, random, log, metrics }: Shared,
  { batcher, imageMemory, workerCount }: Awaited<ReturnType<typeof composeWorkers>>,
  repository: ModelRepository,
  rateLimit: RateLimit,
  record: (made: MadePrediction) => void,
) {
  const admission = new Admission({ ...config, clock, random, onDrop: (reason) => metrics.drop(reason) });
  const reading = new Reading({ ...config, admission, clock, random });
  const fairQueue = new FairQueue({
    inFlightMax: config.inFlightMax || IN_FLIGHT_PER_WORKER * workerCount,
    capacity: config.queueCapacity,
    retryAfterSeconds: () => admission.retryAfterSeconds(),
  });
  const store = new LruStore<Score>({
    maxBytes: config.cacheMaxBytes,
    ttlMs: config.cacheTtlSeconds * 1000,
    sizeOf: scoreBytes,
    clock,
  });
  const cache = new AnswerCache<Score>({ enabled: config.cacheEnabled, store, clock });
  const caps = decodeCaps(config);
  const decoder = await openDecoders({
    ...caps,
    decoders: config.decoders,
    memory: imageMemory,
    onDecoded: (name) => metrics.decoded(name),
    onUnavailable: (err) => log.warn({ err }, "libjpeg-turbo cannot be loaded: sharp decodes everything"),
  });
  log.info({ decoders: decoder.names }, "decoders are open");
  const predictor = new Predictor({
    clock,
    newId,
    rateLimit,
    repository,
    reading,
    readLimits: {
      imageMaxBytes: config.imageMaxBytes,
      requestMaxBytes: config.requestMaxBytes,
      requestMaxImages: config.requestMaxImages,
      timeoutMs: config.readTimeoutMs,
      minBytesPerSecond: config.readMinBytesPerSecond,
    },
    imageLimits: imageLimits(config),
    cache,
    fairQueue,
    decodeTurns: new Turnstile(config.decodeConcurrency || workerCount),
    decoder,
    batcher,
    explain: (image, map, target) => explain(image, map, target, caps),
    deadlineMs: config.deadlineMs,
    onDrop: (reason) => metrics.drop(reason),
    fallbackEnabled: config.fallbackEnabled,
    onInferenceFailure: (err, { requestId }) => log.error({ err, request_id: requestId }, "inference failed"),
    record,
  });
  return { admission, reading, fairQueue, cache, predictor };
}
