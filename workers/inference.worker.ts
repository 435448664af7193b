import { systemClock } from "../src/clock.ts";
import { type Failure, PinholeError } from "../src/errors.ts";
import type { FromWorker, RowOutcome, ToWorker } from "../src/inference/messages.ts";
import { type ModelSession, openSession } from "../src/inference/session.ts";
import { INFERENCE_STEPS, standBack } from "../src/thread-priority.ts";

/** Runs after which garbage is collected: buffers that were handed back leave little that would set it off. */
const COLLECT_EVERY = 2000;

/** One inference thread: a session for each model, one message at a time, every failure as data. */
declare const self: Worker;

const sessions = new Map<string, ModelSession>();
let last: Promise<void> = Promise.resolve();
let runs = 0;

// Sessions reuse their input memory, so the next message waits until the one before is through.
self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  last = last.then(() => handle(data));
};

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "load":
      return load(message);
    case "run":
      return run(message);
    case "collect":
      return Bun.gc(true);
    case "leave":
      await Promise.allSettled([...sessions.values()].map((session) => session.release()));
      process.exit(0);
  }
}

async function load({ models }: Extract<ToWorker, { kind: "load" }>): Promise<void> {
  const wrong: string[] = [];
  for (const model of models) {
    try {
      sessions.set(model.key, await openSession(model, systemClock));
    } catch (thrown) {
      const text = thrown instanceof Error ? thrown.message : String(thrown);
      wrong.push(text.replaceAll(/^/gm, `${model.key}: `));
    }
  }
  if (wrong.length > 0) {
    answer({
      kind: "load_failed",
      failure: { code: "MODEL_NOT_READY", detail: "The model could not be loaded.", cause: wrong.join("\n") },
    });
    return;
  }
  // Not before: what the engine starts for all threads meanwhile would take after this one.
  standBack(INFERENCE_STEPS);
  const found = [...sessions].map(([key, { maxBatch, times }]) => [key, { maxBatch, ...times }]);
  answer({ kind: "ready", models: Object.fromEntries(found) });
}

async function run({ batch, model, images }: Extract<ToWorker, { kind: "run" }>): Promise<void> {
  const buffers = images.map(({ data }) => data);
  try {
    const session = sessions.get(model);
    if (!session) throw new PinholeError("MODEL_NOT_READY", "The model is not loaded.", { cause: model });
    answer({ kind: "done", batch, ...(await session.run(images)), buffers }, buffers);
  } catch (thrown) {
    const failure: Failure = PinholeError.toFailure(thrown);
    const rows = images.map((): RowOutcome => ({ ok: false, failure }));
    answer({ kind: "done", batch, rows, preprocessMs: 0, inferMs: 0, buffers }, buffers);
  }
  if (++runs % COLLECT_EVERY === 0) Bun.gc(true);
}

function answer(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  // One buffer may stand behind several images; it can be given back only once.
  self.postMessage(message, [...new Set(transfer)]);
}
