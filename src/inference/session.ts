import { dirname } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import { fileProblems } from "../model-repository/model-files.ts";
import { ManifestError } from "../model-repository/problem.ts";
import { fixedBatch, type Signature, signatureProblems } from "../model-repository/signature.ts";
import { threadCpuMs } from "../thread-cpu.ts";
import type { ImageTensor, Quality } from "./image.ts";
import type { RawRow, RowOutcome, WireImage } from "./messages.ts";
import { Preprocessor } from "./preprocess.ts";
import { assessQuality } from "./quality.ts";
import { type OutputRows, rowsOf } from "./session-output.ts";

/** What a run came to: as many rows as it had images, in their order. */
export interface SessionRun {
  rows: RowOutcome[];
  preprocessMs: number;
  inferMs: number;
}

/** A model that is loaded and has answered once. One run at a time: its input memory is reused. */
export interface ModelSession {
  /** Most rows that go through the graph at once. */
  readonly maxBatch: number;
  /** Of a run with one row, and of one with `maxBatch` rows divided by them, in milliseconds. */
  readonly times: { singleMs: number; rowMs: number };
  /** Any number of images. Never throws: a row that fails is data, and never spoils the others. */
  run(images: readonly WireImage[]): Promise<SessionRun>;
  release(): Promise<void>;
}

/** After so many pictures, and a moment for the compilers beside us, the engine runs its fastest code. */
const PREPROCESS_WARM_UPS = 12;
/** Rounds in which batches are timed; fewer, but not below the least, where they take longer than this. */
const TIMED_ROUNDS = 20;
const TIMED_MS = 300;
/** One round of a slow network, disturbed, says that batches do not pay where they do. */
const TIMED_LEAST = 3;

/**
 * Loads a model for the CPU, with one thread unless its manifest says otherwise, holds
 * the manifest against the real graph, and warms it with one row and with the largest batch.
 * @throws ManifestError where files or graph are not what the manifest says
 */
export async function openSession(model: Model, clock: Clock): Promise<ModelSession> {
  const { manifest, labels, path } = model;
  // Read again where it is used: between start and now somebody may have put another file there.
  refuse(await fileProblems(dirname(path), manifest));
  const session = await InferenceSession.create(path, {
    executionProviders: ["cpu"],
    intraOpNumThreads: threadsOf(model),
    interOpNumThreads: 1,
    graphOptimizationLevel: manifest.execution?.graph_optimization ?? "all",
    // Only fatal ones on its own stderr: every other failure is thrown and reaches our log that way.
    logSeverityLevel: 4,
  });
  try {
    const signature = signatureOf(session);
    refuse(signatureProblems(manifest, labels.length, signature));
    const input = signature.inputs.find(({ name }) => name === manifest.input.name)!;
    const opened = new OnnxSession(model, session, fixedBatch(input), clock);
    await opened.warmUp();
    return opened;
  } catch (thrown) {
    await session.release();
    throw thrown;
  }
}

/** Workers are the parallelism, unless the manifest says otherwise. */
function threadsOf({ manifest }: Model): number {
  return manifest.execution?.threads ?? 1;
}

function refuse(problems: ConstructorParameters<typeof ManifestError>[1]): void {
  if (problems.length > 0) throw new ManifestError("manifest.json", problems);
}

function signatureOf(session: InferenceSession): Signature {
  const tensors = (all: readonly InferenceSession.ValueMetadata[]) =>
    all.map((value) =>
      value.isTensor
        ? {
            name: value.name,
            dtype: value.type,
            dims: value.shape.map((size) => (size === "" ? null : size)),
          }
        : { name: value.name, dtype: "not a tensor", dims: [] },
    );
  return { inputs: tensors(session.inputMetadata), outputs: tensors(session.outputMetadata) };
}

class OnnxSession implements ModelSession {
  readonly maxBatch: number;
  times = { singleMs: 0, rowMs: 0 };
  readonly #model: Model;
  readonly #session: InferenceSession;
  readonly #clock: Clock;
  /** That the runtime computes with. */
  readonly #threads: number;
  readonly #preprocessor: Preprocessor;
  /** Rows that the graph always wants, or null. */
  readonly #fixedBatch: number | null;
  /** By number of rows: views on the preprocessor's input. */
  readonly #tensors = new Map<number, Tensor>();

  constructor(model: Model, session: InferenceSession, fixed: number | null, clock: Clock) {
    this.#model = model;
    this.#session = session;
    this.#clock = clock;
    this.#fixedBatch = fixed;
    this.maxBatch = model.manifest.batch.max_size;
    this.#threads = threadsOf(model);
    this.#preprocessor = new Preprocessor(model.manifest, this.maxBatch);
  }

  /** Runs grey pictures; whatever is wrong with them is wrong with the model. */
  async warmUp(): Promise<void> {
    const { input } = this.#model.manifest;
    // Larger than the model's input, so that resizing is compiled before the first photograph comes.
    const [width, height] = [Math.ceil(input.width * 1.25), Math.ceil(input.height * 1.25)];
    const image = { data: new ArrayBuffer(width * height * 3), width, height, explain: true };
    for (let run = 0; run < PREPROCESS_WARM_UPS; run++) this.#preprocess([image], []);
    this.#preprocess(new Array<WireImage>(this.maxBatch).fill(image), []);
    this.times = await this.#time();
  }

  /**
   * The cheapest of some rounds: as many rows one by one as in a batch, and a batch. In CPU time, where one thread does
   * it all: the workers that warm up beside this one, and whatever else has the cores, would make it a game of chance.
   */
  async #time(): Promise<ModelSession["times"]> {
    const until = this.#clock.now() + TIMED_MS;
    const rows = this.maxBatch;
    const spent = this.#threads === 1 ? threadCpuMs : async () => this.#clock.now();
    let [oneByOneMs, batchMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    // The first runs take memory, and are slower.
    await this.#infer(1, true);
    await this.#infer(rows, true);
    for (let round = 0; round < TIMED_ROUNDS && (round < TIMED_LEAST || this.#clock.now() < until); round++) {
      const before = await spent();
      for (let row = 0; row < rows; row++) await this.#infer(1, false);
      const between = await spent();
      await this.#infer(rows, false);
      const after = await spent();
      oneByOneMs = Math.min(oneByOneMs, between - before);
      batchMs = Math.min(batchMs, after - between);
    }
    return { singleMs: oneByOneMs / rows, rowMs: batchMs / rows };
  }

  async run(images: readonly WireImage[]): Promise<SessionRun> {
    const run: SessionRun = { rows: [], preprocessMs: 0, inferMs: 0 };
    for (let from = 0; from < images.length; from += this.maxBatch) {
      run.rows.push(...(await this.#runBatch(images.slice(from, from + this.maxBatch), run)));
    }
    return run;
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #runBatch(images: readonly WireImage[], times: Omit<SessionRun, "rows">): Promise<RowOutcome[]> {
    const outcomes = new Array<RowOutcome>(images.length);
    const startedAt = this.#clock.now();
    const prepared = this.#preprocess(images, outcomes);
    const preparedAt = this.#clock.now();
    times.preprocessMs += preparedAt - startedAt;
    if (prepared.length === 0) return outcomes;

    try {
      const explain = prepared.some(({ index }) => images[index]!.explain);
      const answered = await this.#infer(prepared.length, explain);
      prepared.forEach(({ index, quality }, row) => {
        outcomes[index] = { ok: true, row: rawRow(answered, row, quality, images[index]!.explain) };
      });
      times.inferMs += this.#clock.now() - preparedAt;
    } catch (thrown) {
      times.inferMs += this.#clock.now() - preparedAt;
      if (prepared.length === 1) {
        outcomes[prepared[0]!.index] = failed(thrown);
        return outcomes;
      }
      // One row made the whole batch fail: each goes alone, so that only that one is lost.
      for (const { index } of prepared) {
        const [outcome] = await this.#runBatch([images[index]!], times);
        outcomes[index] = outcome!;
      }
    }
    return outcomes;
  }

  /** Writes images to the memory, one row after another; those that cannot be written become failures. */
  #preprocess(images: readonly WireImage[], outcomes: RowOutcome[]): { index: number; quality: Quality }[] {
    const { width, height } = this.#model.manifest.input;
    const prepared: { index: number; quality: Quality }[] = [];
    images.forEach((image, index) => {
      try {
        const tensor = tensorOf(image);
        this.#preprocessor.write(tensor, prepared.length);
        prepared.push({ index, quality: assessQuality(tensor, width, height) });
      } catch (thrown) {
        outcomes[index] = failed(thrown);
      }
    });
    return prepared;
  }

  async #infer(rows: number, explain: boolean): Promise<OutputRows> {
    const { input, outputs } = this.#model.manifest;
    const size = this.#fixedBatch ?? rows;
    const length = this.#preprocessor.rowLength;
    // Padded with its own last row: that one is known to be something the graph takes.
    for (let row = rows; row < size; row++) {
      this.#preprocessor.input.copyWithin(row * length, (rows - 1) * length, rows * length);
    }
    const names = [outputs.logits.name];
    if (outputs.unknown_score) names.push(outputs.unknown_score.name);
    if (outputs.activation_map && explain) names.push(outputs.activation_map.name);
    const results = await this.#session.run({ [input.name]: this.#tensor(size) }, names);
    return rowsOf(results, outputs, size, this.#model.labels.length);
  }

  #tensor(rows: number): Tensor {
    const known = this.#tensors.get(rows);
    if (known) return known;
    const { dtype, layout, width, height } = this.#model.manifest.input;
    const dims = layout === "NCHW" ? [rows, 3, height, width] : [rows, height, width, 3];
    const { input: memory, rowLength } = this.#preprocessor;
    const view = memory.subarray(0, rows * rowLength);
    const tensor = new Tensor(dtype, view, dims);
    // Tensor turns the bits into a Float16Array, which the native side of this runtime sees as empty.
    if (dtype === "float16") Object.defineProperty(tensor, "data", { value: view });
    this.#tensors.set(rows, tensor);
    return tensor;
  }
}

/** All of a buffer that is too small: the preprocessor refuses it. */
function tensorOf({ data, width, height }: WireImage): ImageTensor {
  const bytes = Math.min(data.byteLength, width * height * 3);
  return { data: new Uint8Array(data, 0, bytes), width, height };
}

function rawRow(answered: OutputRows, row: number, quality: Quality, explain: boolean): RawRow {
  return {
    logits: answered.logits(row),
    unknownScore: answered.unknownScore(row),
    activationMap: explain ? answered.activationMap(row) : null,
    quality,
  };
}

function failed(thrown: unknown): RowOutcome {
  const error =
    thrown instanceof PinholeError
      ? thrown
      : new PinholeError("INFERENCE_FAILED", "The model could not judge this image.", { cause: thrown });
  return { ok: false, failure: PinholeError.toFailure(error) };
}
