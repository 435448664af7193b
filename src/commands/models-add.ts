import { parseArgs } from "node:util";
import { loadConfig } from "../config.ts";
import { type Added, addModel } from "../model-repository/add-model.ts";

/** `bun run models:add file.onnx`: puts a model into the models directory with a drafted manifest. */

const USAGE = `usage: bun run models:add <file.onnx> [--name NAME] [--version VERSION]
       [--labels labels.json|labels.txt] [--models-dir DIR] [--force]

  --name        default: the file's name
  --version     default: 0.1.0
  --labels      a JSON list of names or labels, or one name a line, in the order of the logits
  --models-dir  default: what the settings say
  --force       replace the version when it is there`;

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 added, 1 not added, 2 not understood */
export async function main(args: string[]): Promise<number> {
  let options: ReturnType<typeof readArgs>;
  try {
    options = readArgs(args);
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${USAGE}`);
    return 2;
  }
  try {
    console.log(report(await addModel(options)));
    return 0;
  } catch (thrown) {
    console.error(`Nothing was added. ${(thrown as Error).message}`);
    return 1;
  }
}

function readArgs(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      name: { type: "string" },
      version: { type: "string" },
      labels: { type: "string" },
      "models-dir": { type: "string" },
      force: { type: "boolean", default: false },
    },
  });
  const { "models-dir": modelsDir, ...rest } = values;
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) throw new Error("Name one ONNX file.");
  return { ...rest, modelsDir: modelsDir ?? loadConfig().modelsDir, file };
}

function report({ folder, manifest, known, unknown }: Added): string {
  const width = Math.max(...[...known, ...unknown].map(({ field }) => field.length));
  const line = ({ field, value }: { field: string; value: string }) => `  ${field.padEnd(width)}  ${value}`;
  return [
    `Added ${manifest.name}/${manifest.version} in ${folder}`,
    "",
    "The graph says:",
    ...known.map(line),
    "",
    "The graph cannot say; look these up and correct manifest.json and labels.json:",
    ...unknown.flatMap((finding) => [line(finding), `  ${" ".repeat(width)}  ^ ${finding.note}`]),
    "",
    "Then: bun run models:verify",
  ].join("\n");
}
