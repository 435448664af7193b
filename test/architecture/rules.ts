import type { SourceFile } from "./source-file.ts";

export interface Rule {
  name: string;
  /** What in this file is against the rule, in words; empty when nothing is. */
  findings(file: SourceFile): string[];
}

/** A package may only be imported by files whose path matches. */
function only(packages: RegExp, where: RegExp): Rule["findings"] {
  return (file) => (where.test(file.path) ? [] : file.imports.filter((name) => packages.test(name)));
}

/** The floors of the house, lowest first. A file imports from its own floor and from those below. */
const FLOORS: { name: string; paths: RegExp }[] = [
  {
    name: "ground",
    paths:
      /^src\/((errors|clock|exit-codes|control-group|cores|memory-limit|settings|thread-cpu|thread-priority)\.ts$|settings\/)/,
  },
  { name: "config", paths: /^src\/config\.ts$/ },
  { name: "telemetry", paths: /^src\/telemetry\/(?!metrics|model-metrics)/ },
  { name: "model repository", paths: /^src\/model-repository\// },
  { name: "admission", paths: /^src\/admission\// },
  { name: "inference", paths: /^src\/inference\// },
  { name: "evaluation", paths: /^src\/evaluation\// },
  { name: "optimization", paths: /^src\/optimization\// },
  { name: "recording", paths: /^src\/recording\// },
  { name: "database", paths: /^db\// },
  { name: "backup", paths: /^src\/backup\// },
  { name: "instruments", paths: /^src\/telemetry\/(metrics|model-metrics)\.ts$/ },
  { name: "health", paths: /^src\/health\// },
  { name: "supervisor", paths: /^src\/supervisor\/(?!main)/ },
  { name: "http", paths: /^src\/http\// },
  { name: "preflight", paths: /^src\/preflight\// },
  { name: "composition", paths: /^src\/(composition\/|(crash|services|stop)\.ts$)/ },
  { name: "entry points", paths: /^(src\/index\.ts|src\/supervisor\/main\.ts|src\/commands\/|workers\/)/ },
];

const floorOf = (path: string) => FLOORS.findIndex(({ paths }) => paths.test(path));

const isEntryPoint = (path: string) =>
  /^(src\/index\.ts|src\/supervisor\/main\.ts|src\/commands\/[^/]+\.ts|workers\/[^/]+\.worker\.ts)$/.test(
    path,
  );

/** At the start of a line, so at the top of the module (the formatter sees to that): declarations and their ends. */
const DECLARATION =
  /^(import|export|const|function|async function|class|abstract class|type|interface|enum|declare|\/\/|\/\*|\*\/|\}|\]|\)|[`"'<>|&?:])/;

/** Module-level state that can change, or work done while a module is being loaded. */
const EFFECTS: [RegExp, string][] = [
  [/^(export )?(let|var)\b/, "a module-level variable that can change"],
  [
    /^(export )?const \w+(: [^=]+)? = (new (Map|Set|WeakMap|WeakSet)(<.*>)?\(\)|\[\]|\{\});?$/,
    "an empty module-level collection",
  ],
  [
    /^(export )?const \w+(: [^=]+)? = (await|new (Worker|Database|Elysia)\b|setInterval|setTimeout|read\w+Sync|Bun\.(serve|spawn|listen|connect))/,
    "work while loading",
  ],
];

export const RULES: Rule[] = [
  { name: "elysia only in src/http", findings: only(/^(@elysiajs\/|elysia(\/|$))/, /^src\/http\//) },
  {
    name: "onnxruntime-node only in src/inference/session.ts",
    findings: only(/^onnxruntime/, /^src\/inference\/session\.ts$/),
  },
  { name: "the session only from workers", findings: only(/^src\/inference\/session\.ts$/, /^workers\//) },
  {
    name: "sharp only in its decoder and explain",
    findings: only(/^sharp$/, /^src\/inference\/(decoders\/sharp-decoder|explain)\.ts$/),
  },
  {
    name: "native libraries are called from src/inference/decoders/turbo-jpeg.ts only",
    findings: only(/^(koffi|@julusian\/jpeg-turbo)(\/|$)/, /^src\/inference\/decoders\/turbo-jpeg\.ts$/),
  },
  {
    name: "bun:ffi, which Bun calls experimental, only where process 1 reaps",
    findings: only(/^bun:ffi$/, /^src\/supervisor\/reaper\.ts$/),
  },
  { name: "drizzle and bun:sqlite only in db", findings: only(/^(drizzle-|bun:sqlite$)/, /^db\//) },
  { name: "src names workers by URL and never imports them", findings: only(/^workers\//, /^workers\//) },
  {
    name: "src/inference knows nothing of HTTP",
    findings: (file) =>
      file.path.startsWith("src/inference/")
        ? file.imports.filter((name) => /^(src\/http\/|node:http|elysia)/.test(name))
        : [],
  },
  {
    name: "the environment only in src/config.ts",
    findings: ({ path, text }) =>
      path === "src/config.ts" ? [] : (text.match(/\b(process\.env|Bun\.env|import\.meta\.env)\b/g) ?? []),
  },
  {
    name: "the product imports no test code",
    findings: ({ imports }) =>
      imports.filter(
        (name) =>
          /^(test|loadtest)\//.test(name) || /\.(test|contract)\.ts$/.test(name) || name === "bun:test",
      ),
  },
  {
    name: "nothing imports upwards",
    findings({ path, imports }) {
      const floor = floorOf(path);
      if (floor < 0) return [`${path} stands on no floor: give it one in test/architecture/rules.ts`];
      return imports.filter((name) => /^(src|db|workers)\//.test(name) && floorOf(name) > floor);
    },
  },
  {
    name: "own files are imported with their extension",
    findings: ({ imports }) =>
      imports.filter((name) => /^(src|db|workers)\//.test(name) && !/\.(ts|json|sql|wasm)$/.test(name)),
  },
  {
    name: "files and folders are named by what they hold",
    findings: ({ path }) =>
      path.split("/").filter((part) => /^(utils?|helpers?|common|misc)(\.|$)/.test(part)),
  },
  {
    name: "importing a file does nothing",
    findings({ path, text }) {
      if (isEntryPoint(path)) return [];
      return topLevelLines(text).flatMap((line) => {
        const effect = EFFECTS.find(([pattern]) => pattern.test(line));
        if (effect) return [`${effect[1]}: ${line}`];
        return DECLARATION.test(line) ? [] : [`a statement: ${line}`];
      });
    },
  },
];

/** Lines that begin in the first column, without comments and without the inside of template strings. */
function topLevelLines(text: string): string[] {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/`(?:\\.|[^`\\])*`/g, "``");
  return bare.split("\n").filter((line) => /^\S/.test(line));
}

/** Circles of imports that run (those of types cost nothing), each as "a -> b -> a". */
export function importCircles(files: readonly SourceFile[], runs: (file: SourceFile) => string[]): string[] {
  const edges = new Map(files.map((file) => [file.path, runs(file)]));
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: string[]) => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.push([...trail.slice(at), path].join(" -> "));
    if (at >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return circles;
}
