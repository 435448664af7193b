import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock } from "../clock.ts";
import { loadConfig } from "../config.ts";
import { PinholeError } from "../errors.ts";
import { probabilities } from "../inference/postprocess.ts";
import { ThreadPool } from "../inference/worker-pool.ts";
import { readGraph } from "../model-repository/graph.ts";
import { loadModel } from "../model-repository/load-model.ts";
import type { Model } from "../model-repository/manifest.ts";
import { type ModelFolder, modelFolders } from "../model-repository/model-folders.ts";

/** `bun run models:verify`: checks every model as the server does at its start, and runs each once. */

const USAGE = `usage: bun run models:verify [--models-dir DIR]

  --models-dir  default: what the settings say`;
const WORKER = new URL("../../workers/inference.worker.ts", import.meta.url);
const HEADINGS = ["model", "version", "input", "classes", "opset", "ms", "status"];

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 every model answers, 1 one does not or there is none, 2 not understood */
export async function main(args: string[]): Promise<number> {
  let modelsDir: string;
  try {
    const { values } = parseArgs({ args, options: { "models-dir": { type: "string" } } });
    modelsDir = values["models-dir"] ?? loadConfig().modelsDir;
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const folders = await modelFolders(modelsDir).catch((error: Error) => error);
  if (folders instanceof Error || folders.length === 0) {
    const why = folders instanceof Error ? ` (${folders.message})` : "";
    console.error(`There is no <name>/<version>/manifest.json in ${modelsDir}${why}.`);
    return 1;
  }

  const rows: string[][] = [];
  const reasons: string[] = [];
  for (const folder of folders) {
    try {
      rows.push([folder.name, folder.version, ...(await verify(folder)), "ok"]);
    } catch (thrown) {
      rows.push([folder.name, folder.version, "", "", "", "", "WRONG"]);
      reasons.push(
        reason(thrown).replaceAll(new RegExp(`^(?!${RegExp.escape(folder.key)}: )`, "gm"), `${folder.key}: `),
      );
    }
  }
  console.log(table([HEADINGS, ...rows]));
  if (reasons.length > 0) console.error(`\n${reasons.join("\n")}`);
  return reasons.length > 0 ? 1 : 0;
}

/** @returns input, classes, opset and ms for one row */
export async function verify(folder: ModelFolder): Promise<string[]> {
  const model = await loadModel(folder);
  const ms = await runOnce(model);
  const { dtype, layout, width, height, color } = model.manifest.input;
  const { "ai.onnx": opset = "none" } = readGraph(readFileSync(model.path)).opsets;
  const input = `${dtype} ${layout} ${color} ${width}x${height}`;
  return [input, String(model.labels.length), String(opset), ms.toFixed(1)];
}

/** Loads the model in a thread of its own, as the server does, and has it judge a grey picture. */
async function runOnce(model: Model): Promise<number> {
  const pool = new ThreadPool({ worker: WORKER, size: 1, models: [model], clock: systemClock });
  await pool.start();
  try {
    const { width, height } = model.manifest.input;
    const data = new Uint8Array(width * height * 3).fill(127).buffer;
    const { rows, preprocessMs, inferMs } = await pool.run(model.key, [
      { data, width, height, explain: true },
    ]);
    const [outcome] = rows;
    if (!outcome?.ok) throw outcome ? PinholeError.from(outcome.failure) : new Error("no answer");
    probabilities(outcome.row, model);
    return preprocessMs + inferMs;
  } finally {
    await pool.close();
  }
}

/** The private text, which is what an operator needs here. */
export function reason(thrown: unknown): string {
  if (thrown instanceof PinholeError && thrown.cause !== undefined) return String(thrown.cause);
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Columns as wide as their widest cell; numbers to the right. */
function table(rows: string[][]): string {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const cell = (text: string, column: number) =>
    ["classes", "opset", "ms"].includes(HEADINGS[column]!)
      ? text.padStart(widths[column]!)
      : text.padEnd(widths[column]!);
  return rows.map((row) => row.map(cell).join("  ").trimEnd()).join("\n");
}
