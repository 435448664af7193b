import { setImmediate } from "node:timers/promises";
import type { DropReason } from "../admission/drop.ts";
import { type FairQueue, Visit } from "../admission/fair-queue.ts";
import type { Allowance, RateLimit } from "../admission/rate-limit.ts";
import type { Reading, ReadPermit } from "../admission/reading.ts";
import type { Turnstile } from "../admission/turnstile.ts";
import type { Clock, NewId } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { ModelRepository } from "../model-repository/repository.ts";
import { composeAnswer, type ImageOutcome } from "./answer.ts";
import type { Batcher } from "./batcher.ts";
import type { AnswerCache } from "./cache.ts";
import { cacheKey, imageDigest } from "./cache-key.ts";
import type { ImageDecoder } from "./decode.ts";
import { type DecodeTarget, decodeTarget } from "./decode-size.ts";
import { type CacheWaiter, dropped } from "./flight.ts";
import type { EncodedImage, ImageHeader } from "./image.ts";
import type { ActivationMap } from "./messages.ts";
import { NotBegun } from "./pool-worker.ts";
import type { Explanation, PredictAnswer, PredictCall, PredictOptions } from "./prediction.ts";
import { Rankings } from "./rankings.ts";
import { type ReadLimits, readBody } from "./read-body.ts";
import { type Score, scoreRow } from "./score.ts";
import { checkContentType, type ImageLimits, validateImage } from "./validate.ts";

/** The stations of the walk, and what they are given. */
export interface Stations {
  clock: Clock;
  newId: NewId;
  rateLimit: RateLimit;
  repository: Pick<ModelRepository, "resolve">;
  reading: Reading;
  readLimits: ReadLimits;
  imageLimits: ImageLimits;
  cache: AnswerCache<Score>;
  fairQueue: FairQueue;
  /** Bounds the pictures decoded at once: each may need hundreds of megabytes. */
  decodeTurns: Turnstile;
  decoder: ImageDecoder;
  batcher: Batcher;
  /** Draws what an activation map says onto its photograph. */
  explain(image: EncodedImage, map: ActivationMap, target: DecodeTarget): Promise<Explanation>;
  /** Time to answer once the last byte has come; a caller may want less. */
  deadlineMs: number;
  /** Told of work that is dropped before a costly step because nobody waits for it any more. */
  onDrop(reason: DropReason): void;
  /** Whether failed inference is answered by the fallback answer, unless the caller wants the failure. */
  fallbackEnabled: boolean;
  /** Told of every inference that failed, answered by the fallback or not. */
  onInferenceFailure(error: PinholeError, call: PredictCall): void;
  /** Told what every request came to that reached a model; must neither throw nor wait. */
  record(made: MadePrediction): void;
}

/** What a request came to that reached a model. */
export interface MadePrediction {
  id: string;
  call: PredictCall;
  model: Model;
  /** SHA-256 of each image that could be read. */
  imageDigests: string[];
  imageCount: number;
  /** The answer, or the failed inference that the caller was told of. */
  result: PredictAnswer | PinholeError;
}

/** One request on its walk, once its body has come. */
interface Walker {
  call: PredictCall;
  model: Model;
  waiter: CacheWaiter;
  visit: Visit;
}

/** Answers requests for predictions: the walk from an unread body to a labelled answer. */
export class Predictor {
  readonly #stations: Stations;
  readonly #rankings = new Rankings();

  constructor(stations: Stations) {
    this.#stations = stations;
  }

  /**
   * The walk, station by station. Whatever is taken on the way is given back however it ends.
   * @throws PinholeError for everything that is not an answer
   * @throws ClientGone when there is nobody left to answer
   */
  async predict(call: PredictCall): Promise<PredictAnswer> {
    const { rateLimit, repository, reading, clock, deadlineMs } = this.#stations;
    const { options, trace } = call;
    const { stages } = trace;
    trace.allowance = await stages.time("limit", async () => rateLimit.take("predict", call.clientKey));
    if (!trace.allowance.allowed) throw overTheLimit(trace.allowance);
    const model = repository.resolve(options.model);
    trace.modelKey = model.key;
    checkOptions(options, model);
    const { clientKey, contentLength } = call;
    using unread = stages.timeSync("admit", () => reading.enter({ clientKey, bytes: contentLength ?? 0 }));
    const images = await stages.time("read", () => this.#read(call, unread));
    const timeoutMs = Math.min(options.timeoutMs ?? deadlineMs, deadlineMs);
    const waiter = { signal: call.signal, deadline: clock.now() + timeoutMs };
    using _permit = await stages.time("admit", () => unread.admit(waiter));
    const outcomes = await this.#classifyAll(images, { call, model, waiter, visit: new Visit(clientKey) });
    return this.#answer(call, model, outcomes);
  }

  #read(call: PredictCall, permit: ReadPermit): Promise<EncodedImage[]> {
    const { readLimits, imageLimits, clock } = this.#stations;
    const checkType = (type: string | null) => checkContentType(type, imageLimits.types);
    return readBody(call, readLimits, clock, checkType, (bytes) => permit.grow(bytes));
  }

  /**
   * Side by side, but each begins in a turn of the event loop of its own: to look through a hostile file of some
   * megabytes takes tens of milliseconds.
   */
  async #classifyAll(images: EncodedImage[], walker: Walker) {
    const outcomes: Promise<ImageOutcome>[] = [];
    for (const image of images) {
      if (outcomes.length > 0) await setImmediate();
      outcomes.push(this.#classify(image, walker));
    }
    return Promise.all(outcomes);
  }

  /** One photograph: validate, then its answer from the cache, from an equal request in flight, or anew. */
  async #classify(image: EncodedImage, walker: Walker): Promise<ImageOutcome> {
    const { cache, imageLimits } = this.#stations;
    const { call, model, waiter } = walker;
    const { stages } = call.trace;
    let digest: string | undefined;
    try {
      const header = stages.timeSync("validate", () => validateImage(image, imageLimits));
      const key = stages.timeSync("cache", () => {
        digest = imageDigest(image.bytes);
        return cacheKey(digest, model.digest, call.options.explain ? "explain" : "");
      });
      const run = (wanted: () => boolean, abandoned: AbortSignal) =>
        this.#score(image, header, walker, wanted, abandoned);
      const { value: score, cached } = await cache.share(key, model.key, run, waiter);
      return { ok: true, image, header, digest: digest!, score, cached };
    } catch (error) {
      return { ok: false, image, digest, error };
    }
  }

  /** Decode, queue, batch, hand over, infer: what a photograph costs that was not seen before. */
  async #score(
    image: EncodedImage,
    header: ImageHeader,
    { call, model, visit }: Walker,
    wanted: () => boolean,
    abandoned: AbortSignal,
  ): Promise<Score> {
    const { fairQueue, decoder, batcher, explain, clock } = this.#stations;
    const { stages } = call.trace;
    const unwanted = (): DropReason | null => (wanted() ? null : (abandoned.reason as DropReason));
    const arrivedAt = clock.now();
    using slot = await fairQueue.enter(visit, unwanted, abandoned);
    const target = decodeTarget(model);
    let waitedMs = 0;
    let busyMs = 0;
    const busy = async <T>(work: () => Promise<T>): Promise<T> => {
      const from = clock.now();
      const made = await work();
      busyMs += clock.now() - from;
      return made;
    };
    const attempt = async () => {
      const tensor = await this.#inTurn(unwanted, () => {
        const turnAt = clock.now();
        waitedMs = turnAt - arrivedAt;
        stages.stay("queue", arrivedAt, turnAt);
        return busy(() => stages.time("decode", () => decoder.decode(image, header, target)));
      });
      return batcher.submit({ model, image: tensor, explain: call.options.explain, unwanted });
    };
    const task = await attempt().catch((error) => {
      // Its pixels were lost with the worker behind whose batch it waited: decoded once more.
      if (error instanceof NotBegun) return attempt();
      throw error;
    });
    stages.record("queue", waitedMs + task.queueMs);
    stages.record("preprocess", task.preprocessMs);
    stages.record("infer", task.inferMs);
    // The worker's own figures, laid end to end before this instant.
    const inferredAt = clock.now();
    const preprocessedAt = inferredAt - task.inferMs;
    const takenAt = preprocessedAt - task.preprocessMs;
    stages.stay("queue", takenAt - task.queueMs, takenAt);
    stages.stay("preprocess", takenAt, preprocessedAt);
    stages.stay("infer", preprocessedAt, inferredAt);
    busyMs += task.preprocessMs + task.inferMs;
    const { activationMap } = task.row;
    // The photograph is decoded once more.
    const overlay = activationMap && (() => explain(image, activationMap, target));
    const explanation = overlay && (await this.#inTurn(unwanted, () => busy(overlay)));
    slot.worked({ busyMs, rows: task.rows });
    return scoreRow(task.row, model, explanation);
  }

  /** Decodes when it is this image's turn, or drops it then if nobody waits for it any more. */
  async #inTurn<T>(unwanted: () => DropReason | null, decode: () => Promise<T>): Promise<T> {
    const { decodeTurns, onDrop } = this.#stations;
    using _turn = await decodeTurns.enter();
    const reason = unwanted();
    if (reason === null) return await decode();
    onDrop(reason);
    throw dropped(reason);
  }

  #answer(call: PredictCall, model: Model, outcomes: readonly ImageOutcome[]): PredictAnswer {
    const { newId, fallbackEnabled, onInferenceFailure, record } = this.#stations;
    const { stages } = call.trace;
    for (const outcome of outcomes)
      if (!outcome.ok && isInferenceFailure(outcome.error)) onInferenceFailure(outcome.error, call);
    const useFallback = fallbackEnabled && !call.options.strict;
    const imageDigests = outcomes.flatMap(({ digest }) => digest ?? []);
    const made = { id: newId(), call, model, imageDigests, imageCount: outcomes.length };
    try {
      const composed = stages.timeSync("postprocess", () =>
        composeAnswer(model, call.options, outcomes, useFallback, this.#rankings),
      );
      const answer = { predictionId: made.id, ...composed, timings: stages.timings() };
      record({ ...made, result: answer });
      return answer;
    } catch (error) {
      if (isInferenceFailure(error)) record({ ...made, result: error });
      throw error;
    }
  }
}

/** What only the model can say of the options. */
function checkOptions(options: PredictOptions, model: Model): void {
  const errors: { path: string; expected: string; received: string }[] = [];
  const classes = model.labels.length;
  if (options.topK !== null && options.topK > classes)
    errors.push({ path: "top_k", expected: `1 to ${classes}`, received: String(options.topK) });
  if (options.explain && model.manifest.outputs.activation_map === undefined)
    errors.push({ path: "explain", expected: "false: this model has no activation map", received: "true" });
  if (errors.length > 0)
    throw new PinholeError("VALIDATION_FAILED", `The query does not fit model ${model.key}.`, {
      members: { errors },
    });
}

function overTheLimit(allowance: Allowance): PinholeError {
  const { limit, windowSeconds, retryAfterSeconds } = allowance;
  return new PinholeError(
    "RATE_LIMIT_EXCEEDED",
    `At most ${limit} requests in ${windowSeconds} s: try again in ${retryAfterSeconds} s.`,
    { members: { retry_after_seconds: retryAfterSeconds, limit } },
  );
}

function isInferenceFailure(error: unknown): error is PinholeError {
  return error instanceof PinholeError && error.code === "INFERENCE_FAILED";
}
