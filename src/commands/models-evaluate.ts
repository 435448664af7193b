import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { photographSettings } from "../composition/image-limits.ts";
import { loadConfig } from "../config.ts";
import { usableCores } from "../cores.ts";
import { eachFile } from "../evaluation/each.ts";
import { type Figures, figures, type Judged, type Share } from "../evaluation/figures.ts";
import { photographs, truthOf } from "../evaluation/photographs.ts";
import { Progress } from "../evaluation/progress.ts";
import { Walk } from "../evaluation/walk.ts";
import { confidence } from "../inference/postprocess.ts";
import { scoreRow } from "../inference/score.ts";
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
    const model = await ModelRepository.find(config.modelsDir, ref ?? config.modelDefault);
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

async function judgeAll(model: Model, files: string[], directory: string, config: Config) {
  const size = config.workerCount || usableCores();
  await using walk = await Walk.open([model], size, photographSettings(config));
  const progress = new Progress(systemClock, console.error);
  const tell = (done: number, of: number) => progress.tell(done, of);
  const { outcomes, failures } = await eachFile(files, { atOnce: size * 2, tell }, async (file) => {
    const raw = await walk.judge(join(directory, file), model);
    const { probabilities, unknownScore } = scoreRow(raw, model, null);
    const verdict = confidence(probabilities, unknownScore, model.manifest.calibration);
    return { truth: truthOf(file, model.labels), probabilities, unknownScore, ...verdict };
  });
  return { rows: outcomes.map(({ file, value }): Row => ({ file, ...value })), failures };
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
