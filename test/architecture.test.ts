import { describe, expect, test } from "bun:test";
import { importCircles, RULES } from "./architecture/rules.ts";
import { isTestSource, productSources, type SourceFile, sourceFile } from "./architecture/source-file.ts";

const root = new URL("..", import.meta.url).pathname;

/** For each rule a small made-up source that breaks it: a rule that cannot fail proves nothing. */
const BREAKERS: Record<string, [path: string, text: string]> = {
  "elysia only in src/http": [
    "src/health/checks.ts",
    'import { t } from "elysia";\nexport const schema = t.String();',
  ],
  "onnxruntime-node only in src/inference/session.ts": [
    "src/inference/worker-pool.ts",
    'import type { InferenceSession } from "onnxruntime-node";\nexport type S = InferenceSession;',
  ],
  "the session only from workers": [
    "src/inference/predictor.ts",
    'import { Session } from "./session.ts";\nexport const open = () => new Session();',
  ],
  "native libraries are called from src/inference/decoders/turbo-jpeg.ts only": [
    "src/inference/predictor.ts",
    'export const load = async () => (await import("koffi")).default.load("libc.so.6");',
  ],
  "bun:ffi, which Bun calls experimental, only where process 1 reaps": [
    "src/inference/decode.ts",
    'import { dlopen } from "bun:ffi";\nexport const open = () => dlopen("libc.so.6", {});',
  ],
  "sharp only in its decoder and explain": [
    "src/inference/quality.ts",
    'import sharp from "sharp";\nexport const stats = (b: Uint8Array) => sharp(b).stats();',
  ],
  "drizzle and bun:sqlite only in db": [
    "src/recording/recorder.ts",
    'import { Database } from "bun:sqlite";\nexport const open = (path: string) => new Database(path);',
  ],
  "src names workers by URL and never imports them": [
    "src/inference/worker-pool.ts",
    'export const worker = () => import("../../workers/inference.worker.ts");',
  ],
  "src/inference knows nothing of HTTP": [
    "src/inference/read-body.ts",
    'import { problem } from "../http/problem.ts";\nexport const p = problem;',
  ],
  "the environment only in src/config.ts": [
    "src/telemetry/log.ts",
    "export const level = () => process.env.PINHOLE_LOG_LEVEL;",
  ],
  "the product imports no test code": [
    "src/clock.ts",
    'import { ManualClock } from "../test/manual-clock.ts";\nexport const clock = () => new ManualClock();',
  ],
  "nothing imports upwards": [
    "src/admission/rate-limit.ts",
    'import type { Predictor } from "../inference/predictor.ts";\nexport type P = Predictor;',
  ],
  "own files are imported with their extension": [
    "src/http/app.ts",
    'import { x } from "./problem";\nexport const y = x;',
  ],
  "files and folders are named by what they hold": ["src/inference/utils.ts", "export const x = 1;"],
  "importing a file does nothing": [
    "src/telemetry/metrics.ts",
    "export const seen = new Map<string, number>();",
  ],
};

function findings(file: SourceFile, ruleName: string): string[] {
  return RULES.find((rule) => rule.name === ruleName)!.findings(file);
}

describe("the rules of the house", async () => {
  const sources = (await productSources(root)).filter(({ path }) => !isTestSource(path));

  test("there are sources to look at", () => {
    expect(sources.map(({ path }) => path)).toContain("src/errors.ts");
  });

  test.each(RULES.map(({ name }) => name))("%s", (name) => {
    const broken = sources.flatMap((file) => findings(file, name).map((found) => `${file.path}: ${found}`));
    expect(broken).toEqual([]);
  });

  test("no import runs in a circle", () => {
    const transpiler = new Bun.Transpiler({ loader: "ts" });
    const runs = (file: SourceFile) => {
      const names = new Set(transpiler.scanImports(file.text).map(({ path }) => path.split("/").at(-1)));
      return file.imports.filter(
        (path) => names.has(path.split("/").at(-1)) && /^(src|db|workers)\//.test(path),
      );
    };
    expect(importCircles(sources, runs)).toEqual([]);
  });
});

test("the supervisor loads the log and nothing else that is large or could fail", async () => {
  const { metafile } = await Bun.build({
    entrypoints: [`${root}/src/supervisor/main.ts`],
    target: "bun",
    metafile: true,
  });
  const loaded = Object.keys(metafile!.inputs);
  expect(loaded).toContain("src/supervisor/supervisor.ts");
  const folders = new Set(loaded.map((path) => /^(src\/[^/]+|[^/]+)\//.exec(path)![1]!));
  const own = ["admission", "preflight", "settings", "supervisor", "telemetry"].map((name) => `src/${name}`);
  expect([...folders].sort()).toEqual(["node_modules", "src", ...own]);
  const packages = new Set(
    loaded.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
  );
  const log = Object.keys((await Bun.file(`${root}/node_modules/pino/package.json`).json()).dependencies);
  expect([...packages].filter((name) => name !== "pino" && !log.includes(name))).toEqual([]);
});

describe("the rules can fail", () => {
  test.each(RULES.map(({ name }) => name))("%s", (name) => {
    const breaker = BREAKERS[name];
    expect(breaker).toBeDefined();
    expect(findings(sourceFile(...breaker!), name)).not.toEqual([]);
  });

  test.each([
    ["let count = 0;\nexport const next = () => ++count;"],
    ["register();"],
    ['process.on("exit", () => {});'],
    ["export const worker = new Worker(url);"],
    ["const cache: Record<string, string> = {};"],
    ["if (true) start();"],
    ["await start();"],
    ["export default new Map();\nsharp.cache(false);"],
  ])("importing a file does nothing: %s", (text) => {
    expect(findings(sourceFile("src/telemetry/x.ts", text), "importing a file does nothing")).not.toEqual([]);
  });

  test("a circle is seen", () => {
    const files = [
      sourceFile("src/a.ts", 'import { b } from "./b.ts";\nexport const a = () => b;'),
      sourceFile("src/b.ts", 'import { a } from "./a.ts";\nexport const b = () => a;'),
    ];
    expect(importCircles(files, (file) => file.imports)).toEqual(["src/a.ts -> src/b.ts -> src/a.ts"]);
  });

  test("types, re-exports and imports while running are imports, too", () => {
    const file = sourceFile(
      "src/http/x.ts",
      `import type { A } from "../a.ts";
import { type B } from "../b.ts";
export { c } from "../c.ts";
export type { D } from "../d.ts";
import type {
  E,
} from "../e.ts";
const f = () => import("../f.ts");
// import { g } from "../g.ts";
`,
    );
    expect(file.imports.sort()).toEqual(["a", "b", "c", "d", "e", "f"].map((name) => `src/${name}.ts`));
  });
});
