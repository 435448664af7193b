import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { decodeCaps, imageLimits } from "../composition/image-limits.ts";
import { loadConfig } from "../config.ts";
import { usableCores } from "../cores.ts";
import { PinholeError } from "../errors.ts";
import { type Figures, figures, type Judged, type Share } from "../evaluation/figures.ts";
import { Batcher } from "../inference/batcher.ts";
import type { ImageDecoder } from "../inference/decode.ts";
import { decodeTarget } from "../inference/decode-size.ts";
import { openDecoders } from "../inference/decoders/decoders.ts";
import { confidence } from "../inference/postprocess.ts";
import { scoreRow } from "../inference/score.ts";
import { validateImage } from "../inference/validate.ts";
import { ThreadPool } from "../inference/worker-pool.ts";
import type { Model } from "../model-repository/manifest.ts";
import { ModelRepository } from "../model-repository/repository.ts";
import type { Config } from "../settings.ts";

/** `bun run models:evaluate`: what a model is worth on photographs, through the server's own decode and preprocess. */

const USAGE = `usage: bun run models:evaluate [NAME[/VERSION]] --images DIR [--models-dir DIR] [--json FILE]

  NAME[/VERSION]  default: the default model
  --images        one folder for each class, called as its class_id; photographs in other folders count as
                  something that the model does not know
  --models-dir    default: what the settings say
  --json          writes the figures, and a row for each photograph`;
const WORKER = new URL("../../workers/inference.worker.ts", import.meta.url);
const PROGRESS_MS = 2000;

/** One photograph of the folder given, and what it was judged to be. */
interface Row extends Judged {
  file: string;
  unknownScore: number | null;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 evaluated, 1 something could not be read or run, 2 not understood */
export async function main(args: string[]): Promise<number> {
  let request: { ref: string | null; images: string; json: string | undefined; config: Config };
  try {
    request = understand(args);
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${USAGE}`);
    return 2;
  }
  try {
    const { ref, images, json, config } = request;
    const model = await findModel(config, ref);
    const files = await photographs(images);
    const { rows, failures } = await judgeAll(model, files, images, config);
    const found = figures(rows, model.labels.length);
    console.log(report(model, found));
    if (json)
      await Bun.write(json, JSON.stringify({ model: model.key, figures: found, rows: rows.map(plain) }));
    for (const failure of failures) console.error(failure);
    return failures.length > 0 || rows.length === 0 ? 1 : 0;
  } catch (thrown) {
    console.error(thrown instanceof Error ? thrown.message : thrown);
    return 1;
  }
}

function understand(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { images: { type: "string" }, "models-dir": { type: "string" }, json: { type: "string" } },
  });
  if (values.images === undefined) throw new Error("--images is missing");
  if (positionals.length > 1) throw new Error(`one model at a time, not ${positionals.join(" ")}`);
  const config = loadConfig();
  const modelsDir = values["models-dir"] ?? config.modelsDir;
  return {
    ref: positionals[0] ?? null,
    images: values.images,
    json: values.json,
    config: { ...config, modelsDir },
  };
}

async function findModel(config: Config, ref: string | null): Promise<Model> {
  const { models } = await ModelRepository.open(config.modelsDir, {
    defaultModel: ref ?? config.modelDefault,
  });
  const wanted = ref ?? config.modelDefault;
  return models.find(({ key, manifest }) => key === wanted || manifest.name === wanted)!;
}

/** Paths relative to `directory`, in order. */
async function photographs(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && /\.(jpe?g|png|webp|gif)$/i.test(entry.name));
  return files
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length).replace(/^\/+/, ""))
    .sort();
}

async function judgeAll(model: Model, files: string[], directory: string, config: Config) {
  const size = config.workerCount || usableCores();
  const pool = new ThreadPool({ worker: WORKER, size, models: [model], clock: systemClock });
  await pool.start();
  const judge = judgeWith(
    model,
    new Batcher({ pool, clock: systemClock }),
    await openDecoders({ ...decodeCaps(config), decoders: config.decoders }),
    config,
  );
  const rows: Row[] = [];
  const failures: string[] = [];
  const waiting = files.values();
  let told = systemClock.now();
  const startedAt = told;
  const work = async () => {
    for (const file of waiting) {
      try {
        rows.push(await judge(directory, file));
      } catch (thrown) {
        failures.push(`${file}: ${thrown instanceof PinholeError ? thrown.detail : thrown}`);
      }
      if (systemClock.now() - told < PROGRESS_MS) continue;
      told = systemClock.now();
      const done = rows.length + failures.length;
      const left = ((told - startedAt) / done) * (files.length - done);
      console.error(`${done} of ${files.length}, ${Math.ceil(left / 1000)} s to go`);
    }
  };
  try {
    await Promise.all(Array.from({ length: size * 2 }, work));
  } finally {
    await pool.close();
  }
  return { rows: rows.sort((a, b) => (a.file < b.file ? -1 : 1)), failures };
}

function judgeWith(model: Model, batcher: Batcher, decoder: ImageDecoder, config: Config) {
  const { manifest, labels } = model;
  const limits = imageLimits(config);
  const target = decodeTarget(model);
  return async (directory: string, file: string): Promise<Row> => {
    const image = { bytes: await Bun.file(join(directory, file)).bytes(), filename: null, contentType: null };
    const tensor = await decoder.decode(image, validateImage(image, limits), target);
    const { row } = await batcher.submit({ model, image: tensor, explain: false, unwanted: () => null });
    const { probabilities, unknownScore } = scoreRow(row, model, null);
    const truth = labels.findIndex(({ class_id }) => class_id === file.split("/").at(-2));
    const verdict = confidence(probabilities, unknownScore, manifest.calibration);
    return { file, truth: truth === -1 ? null : truth, probabilities, unknownScore, ...verdict };
  };
}

function plain(row: Row) {
  return { ...row, probabilities: [...row.probabilities] };
}

function report(model: Model, found: Figures): string {
  const lines: [string, string][] = [
    ["top-1", inWords(found.top1)],
    ["macro F1", found.macroF1.toFixed(4)],
    ["expected calibration error", percent(found.calibrationError)],
    ["right when HIGH", inWords(found.right.HIGH)],
    ["right when MEDIUM", inWords(found.right.MEDIUM)],
    ["known, called LOW", inWords(found.knownLow)],
    ["known, called unknown", inWords(found.knownRejected)],
    ["unknown, called unknown", inWords(found.unknownRejected)],
    ...found.recall.map((recall, index): [string, string] => [
      `recall of ${model.labels[index]!.class_id}`,
      recall === null ? "not among the photographs" : inWords(recall),
    ]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return [model.key, ...lines.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)].join("\n");
}

function inWords({ count, of, share, low, high }: Share): string {
  return of === 0
    ? "none"
    : `${percent(share)} (${count} of ${of}; 95%: ${percent(low)} to ${percent(high)})`;
}

function percent(part: number): string {
  return `${(100 * part).toFixed(2)}%`;
}
