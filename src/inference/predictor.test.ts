import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Work } from "../admission/adaptive-limit.ts";
import { Admission } from "../admission/admission.ts";
import { ClientGone } from "../admission/drop.ts";
import { FairQueue } from "../admission/fair-queue.ts";
import { Reading } from "../admission/reading.ts";
import { SlidingWindowRateLimit } from "../admission/sliding-window.ts";
import { Turnstile } from "../admission/turnstile.ts";
import { systemClock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import { StageClock } from "../telemetry/stages.ts";
import { LruStore } from "./answer-store.ts";
import { Batcher } from "./batcher.ts";
import { AnswerCache } from "./cache.ts";
import { type FakeNetwork, FakeWorkerPool } from "./fake-worker-pool.ts";
import { NotBegun } from "./pool-worker.ts";
import type { Explanation, PredictCall, PredictOptions } from "./prediction.ts";
import { type MadePrediction, Predictor } from "./predictor.ts";
import { type Score, scoreBytes } from "./score.ts";

const leaf = await Bun.file(join(import.meta.dir, "../../test/fixtures/leaves/tomato_healthy.jpg")).bytes();
/** Other bytes, the same picture: whatever follows the end of a JPEG is passed over. */
const leafNumber = (number: number) => Buffer.concat([leaf, Buffer.from([number])]);
const quality = { sharpness: 1, brightness: 0.5, issues: [] };
const clock = systemClock;

const model = {
  key: "leaves/1.0.0",
  digest: "d",
  labels: ["a", "b", "c"].map((name) => ({ class_id: name, class_name: name.toUpperCase() })),
  manifest: {
    name: "leaves",
    version: "1.0.0",
    sha256: "0".repeat(64),
    input: { width: 8, height: 8 },
    resize: { fit: "cover", crop: 1 },
    outputs: { logits: { name: "logits", softmax: false } },
    calibration: { temperature: 1, high: 0.9, medium: 0.5 },
    batch: { max_size: 4, max_wait_ms: 0 },
  },
} as unknown as Model;

const explainable = {
  ...model,
  key: "explainable/1.0.0",
  manifest: { ...model.manifest, outputs: { ...model.manifest.outputs, activation_map: { name: "map" } } },
} as Model;

/** Class b, surely. */
const sure: FakeNetwork = () => {
  const logits = new Float32Array([0, 5, 0]);
  return { ok: true, row: { logits, unknownScore: null, activationMap: null, quality } };
};

const tinyTensor = () => ({ data: new Uint8Array(8 * 8 * 3), width: 8, height: 8 });

function setUp({
  network = sure,
  deadlineMs = 5000,
  queueCapacity = 4,
  queueImages = 100,
  limit = 100,
  fallbackEnabled = true,
  readConcurrency = 4,
  readPerClient = 4,
  decode = async () => tinyTensor(),
  explain = async (): Promise<Explanation> => ({ grid: [[1]], overlay: null }),
} = {}) {
  const pool = new FakeWorkerPool({ size: 1, network });
  void pool.start();
  const drops: string[] = [];
  const batcher = new Batcher({ pool, clock, onDrop: (reason) => drops.push(reason) });
  const admission = new Admission({ queueCapacity, queueMaxBytes: 1e8, clock, random: () => 0 });
  const read = { readConcurrency, readPerClient, readMaxBytes: 1e8 };
  const reading = new Reading({ ...read, admission, clock, random: () => 0 });
  const works: Work[] = [];
  const fairQueue = new FairQueue({
    inFlightMax: () => 2,
    capacity: () => queueImages,
    waitMs: () => Number.POSITIVE_INFINITY,
    retryAfterSeconds: () => 1,
    clock,
    onWork: (work) => works.push(work),
  });
  const store = new LruStore<Score>({ maxBytes: 1e6, ttlMs: 60_000, sizeOf: scoreBytes, clock });
  const records: MadePrediction[] = [];
  const failures: PinholeError[] = [];
  let decoded = 0;
  let ids = 0;
  const predictor = new Predictor({
    clock,
    newId: () => String(++ids),
    rateLimit: new SlidingWindowRateLimit({
      enabled: true,
      policies: [{ name: "predict", limit, windowSeconds: 60 }],
      clientsMax: 10,
      clock,
      hashClient: (key) => key,
    }),
    repository: { resolve: (name) => (name === explainable.key ? explainable : model) },
    reading,
    readLimits: {
      imageMaxBytes: 1e6,
      requestMaxBytes: 4e6,
      requestMaxImages: 8,
      timeoutMs: 5000,
      minBytesPerSecond: 0,
    },
    imageLimits: {
      types: ["jpeg", "png"],
      maxBytes: 1e6,
      maxPixels: 1e6,
      progressiveMaxPixels: 1e6,
      maxScans: 64,
      maxMegapixelScans: 1000,
      maxFrames: 1000,
    },
    cache: new AnswerCache<Score>({ enabled: true, store, clock }),
    fairQueue,
    decodeTurns: new Turnstile(1),
    decoder: {
      decode: () => {
        decoded++;
        return decode();
      },
    },
    batcher,
    explain,
    deadlineMs,
    onDrop: (reason) => drops.push(reason),
    fallbackEnabled,
    onInferenceFailure: (error) => failures.push(error),
    record: (made) => records.push(made),
  });
  const atRest = () => [
    admission.admitted,
    admission.bytes,
    reading.bodies,
    reading.bytes,
    fairQueue.inFlight,
    fairQueue.waiting,
    batcher.waiting,
  ];
  return { predictor, pool, records, failures, drops, works, atRest, decoded: () => decoded };
}

const AT_REST = [0, 0, 0, 0, 0, 0, 0];

function call(
  bytes: Uint8Array[],
  options: Partial<PredictOptions> = {},
  more: Partial<PredictCall> = {},
): PredictCall {
  const form = new FormData();
  for (const [index, image] of bytes.entries())
    form.append("files", new File([image as Uint8Array<ArrayBuffer>], `${index}.jpg`));
  const response = new Response(form);
  const contentType = response.headers.get("content-type");
  return {
    requestId: "r",
    clientKey: "1.2.3.4",
    options: {
      model: null,
      topK: null,
      minProb: 0,
      explain: false,
      strict: false,
      timeoutMs: null,
      ...options,
    },
    contentType,
    contentLength: null,
    body: response.body,
    signal: new AbortController().signal,
    trace: { stages: new StageClock(clock), allowance: null },
    ...more,
  };
}

const failure = (answer: Promise<unknown>) =>
  answer.then(
    () => "answered",
    (error) => (error instanceof PinholeError ? error.code : error.name),
  );

const broken = (): never => {
  throw new PinholeError("INFERENCE_FAILED", "no");
};

describe("the walk", () => {
  test("a photograph becomes an answer, is recorded, and everything is given back", async () => {
    const { predictor, records, atRest } = setUp();
    const asked = call([leaf], { topK: 2 });
    const answer = await predictor.predict(asked);
    expect(answer).toMatchObject({
      predictionId: "1",
      model: { name: "leaves", version: "1.0.0" },
      confidenceStatus: "HIGH",
      retakeMessage: null,
      cached: false,
      fallback: false,
    });
    expect(answer.predictions.map(({ classId }) => classId)).toEqual(["b", "a"]);
    expect(answer.images).toMatchObject([{ status: "ok", filename: "0.jpg", width: 256, height: 256 }]);
    expect(Object.keys(answer.timings)).toEqual([
      ...[
        "limit",
        "admit",
        "read",
        "validate",
        "cache",
        "decode",
        "queue",
        "preprocess",
        "infer",
        "postprocess",
      ],
      "total",
    ]);
    expect(records.map(({ id, imageDigests }) => [id, imageDigests.length])).toEqual([["1", 1]]);
    expect(asked.trace.allowance).toMatchObject({ allowed: true, remaining: 99 });
    expect(atRest()).toEqual(AT_REST);
  });

  test("an equal photograph is answered from the cache, whatever it is called and however much is asked", async () => {
    const { predictor, decoded } = setUp();
    await predictor.predict(call([leaf]));
    const again = await predictor.predict(call([leaf], { topK: 1 }));
    expect([again.cached, again.predictions.length, decoded()]).toEqual([true, 1, 1]);
  });

  test("equal photographs at the same time share one run", async () => {
    const { predictor, decoded } = setUp();
    await Promise.all([predictor.predict(call([leaf])), predictor.predict(call([leaf, leaf]))]);
    expect(decoded()).toBe(1);
  });

  test("a bad photograph spoils nothing; the mean is over the others", async () => {
    const { predictor } = setUp();
    const answer = await predictor.predict(call([leafNumber(1), Buffer.from("not an image"), leafNumber(2)]));
    expect(answer.images.map((image) => (image.status === "ok" ? "ok" : image.error.code))).toEqual([
      "ok",
      "UNSUPPORTED_IMAGE_TYPE",
      "ok",
    ]);
    expect(answer.predictions[0]!.classId).toBe("b");
  });

  test("when none can be used the first one's error is the request's", async () => {
    const { predictor, records, atRest } = setUp();
    expect(await failure(predictor.predict(call([new Uint8Array(0), Buffer.from("x")])))).toBe("EMPTY_IMAGE");
    expect([records.length, ...atRest()]).toEqual([0, ...AT_REST]);
  });

  test("failed inference: the fallback answer, the failure itself where that is wanted, both recorded", async () => {
    const { predictor, records, failures } = setUp({ network: broken });
    const answer = await predictor.predict(call([leaf]));
    expect(answer).toMatchObject({ fallback: true, confidenceStatus: "LOW", cached: false });
    expect(answer.predictions).toMatchObject([{ classId: "error", className: "Inference Error", prob: 0 }]);
    expect(answer.retakeMessage).toBeString();
    expect(await failure(predictor.predict(call([leaf], { strict: true })))).toBe("INFERENCE_FAILED");
    expect(failures.length).toBe(2);
    expect(records.map(({ result }) => result instanceof PinholeError)).toEqual([false, true]);
  });

  test("without the fallback by setting", async () => {
    const { predictor } = setUp({ network: broken, fallbackEnabled: false });
    expect(await failure(predictor.predict(call([leaf])))).toBe("INFERENCE_FAILED");
  });

  test("refusals take nothing: limit, options, size, admission", async () => {
    const gate = Promise.withResolvers<void>();
    const network: FakeNetwork = async (...row) => {
      await gate.promise;
      return sure(...row);
    };
    const { predictor, atRest, decoded } = setUp({ limit: 3, queueCapacity: 1, network });
    expect(await failure(predictor.predict(call([leaf], { topK: 4 })))).toBe("VALIDATION_FAILED");
    expect(await failure(predictor.predict(call([leaf], { explain: true })))).toBe("VALIDATION_FAILED");
    const first = predictor.predict(call([leaf]));
    while (decoded() === 0) await Bun.sleep(1);
    const fourth = call([leaf]);
    expect(await failure(predictor.predict(fourth))).toBe("RATE_LIMIT_EXCEEDED");
    expect(fourth.trace.allowance!.retryAfterSeconds).toBeGreaterThan(0);
    expect(await failure(predictor.predict(call([leaf], {}, { clientKey: "5.6.7.8" })))).toBe("OVERLOADED");
    gate.resolve();
    await first;
    const large = call([leaf], {}, { clientKey: "5.6.7.8", contentLength: 5e6 });
    expect(await failure(predictor.predict(large))).toBe("FILE_TOO_LARGE");
    expect(atRest()).toEqual(AT_REST);
  });

  test("a request of several photographs that would wait too long is refused whole, and at once", async () => {
    const gate = Promise.withResolvers<void>();
    const network: FakeNetwork = async (...row) => {
      await gate.promise;
      return sure(...row);
    };
    const { predictor, atRest, decoded } = setUp({ network, queueImages: 1, readConcurrency: 9 });
    const others = [1, 2, 3].map((number) =>
      predictor.predict(call([leafNumber(number)], {}, { clientKey: String(number) })),
    );
    while (atRest()[5]! < 1) await Bun.sleep(1);
    // Nobody holds more than one place, so its own comes to be the most.
    const refused = failure(predictor.predict(call([4, 5, 6].map(leafNumber), {}, { clientKey: "3" })));
    expect(await refused).toBe("OVERLOADED");
    expect(atRest().slice(4, 6)).toEqual([2, 1]);
    gate.resolve();
    await Promise.all(others);
    expect(atRest()).toEqual(AT_REST);
    expect(decoded()).toBe(3);
  });

  test("what an image cost is told once: not of what the cache knew, was refused or failed", async () => {
    const { predictor, works } = setUp({ decode: async () => Bun.sleep(5).then(() => tinyTensor()) });
    await predictor.predict(call([leafNumber(1), leafNumber(2)]));
    expect(works.length).toBe(2);
    for (const { heldMs, busyMs, rows, inFlight } of works) {
      expect(busyMs).toBeGreaterThan(3);
      expect(heldMs).toBeGreaterThanOrEqual(busyMs);
      expect([rows, inFlight <= 2]).toEqual([1, true]);
    }
    for (let hit = 0; hit < 20; hit++) await predictor.predict(call([leafNumber(1)]));
    await failure(predictor.predict(call([Buffer.from("no image")])));
    await failure(predictor.predict(call([leafNumber(3)], { topK: 4 })));
    expect(works.length).toBe(2);
    const failing = setUp({ network: broken });
    await failing.predictor.predict(call([leaf]));
    expect(failing.works).toEqual([]);
  });

  test("a deadline holds although the worker is stuck, and the next in line is dropped before it runs", async () => {
    const stuck = Promise.withResolvers<void>();
    const network: FakeNetwork = async (...row) => {
      await stuck.promise;
      return sure(...row);
    };
    const { predictor, drops, atRest } = setUp({ network, deadlineMs: 30 });
    const answers = [1, 2].map((number) => failure(predictor.predict(call([leafNumber(number)]))));
    expect(await Promise.all(answers)).toEqual(["DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"]);
    stuck.resolve();
    await Bun.sleep(5);
    expect(drops).toEqual(["deadline"]);
    expect(atRest()).toEqual(AT_REST);
  });

  test("a client that leaves ends only its own wait", async () => {
    const gate = Promise.withResolvers<void>();
    const network: FakeNetwork = async (...row) => {
      await gate.promise;
      return sure(...row);
    };
    const { predictor, atRest, decoded } = setUp({ network });
    const leaving = new AbortController();
    const gone = predictor.predict(call([leaf], {}, { signal: leaving.signal })).catch((error) => error);
    const stays = predictor.predict(call([leaf]));
    await Bun.sleep(5);
    leaving.abort();
    expect(await gone).toBeInstanceOf(ClientGone);
    gate.resolve();
    expect((await stays).predictions[0]!.classId).toBe("b");
    expect([decoded(), ...atRest()]).toEqual([1, ...AT_REST]);
  });

  test("a photograph whose worker was lost before it came to it is decoded and run once more, and no more", async () => {
    const { predictor, pool, atRest, decoded } = setUp();
    const run = pool.run.bind(pool);
    let losses = 1;
    pool.run = (...batch) =>
      losses-- > 0 ? Promise.reject(new NotBegun("the thread ended")) : run(...batch);
    const answer = await predictor.predict(call([leaf], { strict: true }));
    expect([answer.predictions[0]!.classId, decoded(), ...atRest()]).toEqual(["b", 2, ...AT_REST]);

    losses = 2;
    expect(await failure(predictor.predict(call([leafNumber(1)], { strict: true })))).toBe(
      "INFERENCE_FAILED",
    );
    expect([decoded(), ...atRest()]).toEqual([4, ...AT_REST]);
  });

  test("a caller may want its answer sooner, not later", async () => {
    const stuck = Promise.withResolvers<void>();
    const network: FakeNetwork = async (...row) => {
      await stuck.promise;
      return sure(...row);
    };
    const sooner = setUp({ network });
    expect(await failure(sooner.predictor.predict(call([leaf], { timeoutMs: 20 })))).toBe(
      "DEADLINE_EXCEEDED",
    );
    const later = setUp({ network, deadlineMs: 20 });
    expect(await failure(later.predictor.predict(call([leaf], { timeoutMs: 1e12 })))).toBe(
      "DEADLINE_EXCEEDED",
    );
    stuck.resolve();
  });

  test("bodies that trickle in hold up nobody but their own client", async () => {
    const { predictor, atRest } = setUp({ queueCapacity: 1, readPerClient: 2, readConcurrency: 3 });
    const trickling = (clientKey: string) => {
      const rest = Promise.withResolvers<void>();
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(leaf.subarray(0, 100));
          await rest.promise;
          controller.enqueue(leaf.subarray(100));
          controller.close();
        },
      });
      const answer = predictor.predict(call([], {}, { clientKey, body, contentType: "image/jpeg" }));
      return { answer, finish: () => rest.resolve() };
    };
    const slow = [trickling("slow"), trickling("slow")];
    await Bun.sleep(5);
    expect(atRest()).toEqual([0, 0, 2, 200, 0, 0, 0]);
    expect(await failure(trickling("slow").answer)).toBe("OVERLOADED");
    expect((await predictor.predict(call([leaf]))).predictions[0]!.classId).toBe("b");
    slow.push(trickling("other"));
    expect(await failure(predictor.predict(call([leaf])))).toBe("OVERLOADED");
    for (const { answer, finish } of slow) {
      finish();
      expect((await answer).predictions[0]!.classId).toBe("b");
    }
    expect(atRest()).toEqual(AT_REST);
  });

  test("what nobody waits for when its turn to be decoded comes is dropped, by the reason of the last", async () => {
    const gate = Promise.withResolvers<void>();
    const decode = async () => {
      await gate.promise;
      return { data: new Uint8Array(8 * 8 * 3), width: 8, height: 8 };
    };
    const { predictor, drops, decoded, atRest } = setUp({ decode });
    const first = predictor.predict(call([leafNumber(1)]));
    while (decoded() === 0) await Bun.sleep(1);
    const leaving = new AbortController();
    const gone = failure(predictor.predict(call([leafNumber(2)], {}, { signal: leaving.signal })));
    const late = failure(predictor.predict(call([leafNumber(2)], { timeoutMs: 30 })));
    await Bun.sleep(5);
    leaving.abort();
    expect([await gone, await late]).toEqual(["ClientGone", "DEADLINE_EXCEEDED"]);
    gate.resolve();
    await first;
    await Bun.sleep(5);
    expect([drops, decoded()]).toEqual([["deadline"], 1]);
    expect(atRest()).toEqual(AT_REST);
  });

  test("no explanation is drawn for nobody", async () => {
    const gate = Promise.withResolvers<void>();
    let drawn = 0;
    const explain = async () => {
      drawn++;
      await gate.promise;
      return { grid: [[1]], overlay: null };
    };
    const network: FakeNetwork = () => {
      const activationMap = { data: new Float32Array(1), rows: 1, columns: 1 };
      const logits = new Float32Array([0, 5, 0]);
      return { ok: true, row: { logits, unknownScore: null, activationMap, quality } };
    };
    const { predictor, drops, atRest } = setUp({ network, explain });
    const options = { model: explainable.key, explain: true };
    const leaving = new AbortController();
    const first = failure(predictor.predict(call([leafNumber(1)], options, { signal: leaving.signal })));
    while (drawn === 0) await Bun.sleep(1);
    const second = failure(predictor.predict(call([leafNumber(2)], options, { signal: leaving.signal })));
    await Bun.sleep(10);
    leaving.abort();
    expect([await first, await second]).toEqual(["ClientGone", "ClientGone"]);
    gate.resolve();
    await Bun.sleep(5);
    expect([drops, drawn]).toEqual([["client_gone"], 1]);
    expect(atRest()).toEqual(AT_REST);
  });
});
