import { join } from "node:path";
import { GRAPH_FOLDER } from "../../src/optimization/graph-tool.ts";
import { chaosStep } from "../chaos/step.ts";
import { hostile } from "../hostile/hostile.ts";
import { contract } from "../system/contract.ts";
import { loadScenarios, loadSmoke } from "../system/load.ts";
import { loadNoisyNeighbour, loadOverload } from "../system/load-demands.ts";
import { bunTests } from "./bun-tests.ts";
import { command } from "./command.ts";
import { discoverTests } from "./discover.ts";
import { failed, type Outcome, passed } from "./outcome.ts";
import { pythonTests } from "./python-tests.ts";
import type { Missing } from "./report.ts";
import type { Tools } from "./tools.ts";

export interface Step {
  name: string;
  run(): Promise<Outcome | Missing>;
}

const MINUTE_MS = 60_000;

const SHELL_SCRIPTS = [
  ".ci/run",
  "deploy/compose/start-nginx",
  "deploy/nginx/render",
  "test/docker/debootstrap.sh",
  "test/docker/enter.sh",
];

/** What system tests need beside Bun. */
const NEEDS: Record<string, (keyof Tools)[]> = {
  "test/system/alert-rules.test.ts": ["promtool"],
  "test/system/backup-s3.test.ts": ["python"],
  "test/system/backup-timer.test.ts": ["systemd"],
  "test/system/check-deployment.test.ts": ["nginx"],
  "test/system/compose.test.ts": ["python", "nginx", "namespaces"],
  "test/system/docker.test.ts": ["namespaces"],
  "test/system/end-to-end.test.ts": ["python"],
  "test/system/full-disk.test.ts": ["namespaces"],
  "test/system/idle-connections.test.ts": ["nginx"],
  "test/system/load.test.ts": ["k6"],
  "test/system/metrics.test.ts": ["promtool"],
  "test/system/nginx-servers.test.ts": ["nginx"],
  "test/system/nginx.test.ts": ["nginx"],
  "test/system/optimize.test.ts": ["graphPython", "namespaces"],
  "test/system/supervisor.test.ts": ["namespaces"],
  "test/system/systemd.test.ts": ["systemd", "python"],
};

const SEED = 20_261_121;
/** As `bun run test:hostile` has it. */
const HOSTILE = { seed: SEED, requests: 10_000 };

/** The gate, in order: what is quick to fail stands first. */
export async function steps(tools: Tools): Promise<Step[]> {
  const { unit, system } = await discoverTests();
  const { python, k6 } = tools;
  const env = typeof python === "string" ? { PINHOLE_TEST_PYTHON: join(python, "python") } : undefined;
  const bun = (name: string) => join("node_modules", name);
  return [
    check("format and lint", [
      process.execPath,
      bun("@biomejs/biome/bin/biome"),
      "check",
      "--error-on-warnings",
    ]),
    check("types", [process.execPath, bun("typescript/bin/tsc"), "--noEmit"]),
    withTool("Dockerfile lint", python, (bin) =>
      checked("Dockerfile lint", [join(bin, "hadolint"), "Dockerfile"]),
    ),
    withTool("shell lint", python, (bin) =>
      checked("shell lint", [join(bin, "shellcheck"), ...SHELL_SCRIPTS]),
    ),
    withTool("YAML lint", python, (bin) =>
      checked("YAML lint", [join(bin, "yamllint"), "--strict", "-c", "test/tools/yamllint.yaml", "deploy"]),
    ),
    ...[
      ["check", "rules", "deploy/prometheus/alerts.yml"],
      ["check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml"],
      ["test", "rules", "deploy/prometheus/alerts.test.yml"],
    ].map((argv) => {
      const name = `promtool ${argv.slice(0, 2).join(" ")}`;
      return withTool(name, tools.promtool, (promtool) => checked(name, [promtool, ...argv]));
    }),
    {
      name: "unit tests",
      run: () => bunTests("unit", unit, { testTimeoutMs: 30_000, timeoutMs: 10 * MINUTE_MS, env }),
    },
    withTool("graph unit tests (Python)", tools.graphPython, (python) =>
      pythonTests("graph unit tests", { python, folder: GRAPH_FOLDER, timeoutMs: 3 * MINUTE_MS }),
    ),
    ...system.map((file) => {
      const run = () =>
        bunTests(file, [file], { testTimeoutMs: 2 * MINUTE_MS, timeoutMs: 8 * MINUTE_MS, env });
      const missing = (NEEDS[file] ?? []).map((name) => tools[name]).find((tool) => typeof tool !== "string");
      return { name: file, run: missing === undefined ? run : async () => missing };
    }),
    { name: "hostile files", run: () => counted("hostile files", () => hostile(HOSTILE)) },
    withTool("chaos", tools.namespaces, () => chaosStep(SEED)),
    withTool("contract (schemathesis)", python, contract),
    withTool("load smoke (k6)", k6, loadSmoke),
    withTool("load scenarios (k6)", k6, loadScenarios),
    withTool("load overload (k6)", k6, loadOverload),
    withTool("load noisy neighbour (k6)", k6, loadNoisyNeighbour),
  ];
}

function check(name: string, argv: string[]): Step {
  return { name, run: () => checked(name, argv) };
}

/** A program without tests to count: one test that passes when it ends well. */
async function checked(name: string, argv: string[]): Promise<Outcome> {
  const code = await command(argv, { timeoutMs: 3 * MINUTE_MS });
  return code === 0 ? passed() : failed(`${name}: ${argv.join(" ")}`);
}

function withTool(name: string, tool: string | Missing, run: (tool: string) => Promise<Outcome>): Step {
  return { name, run: async () => (typeof tool === "string" ? counted(name, () => run(tool)) : tool) };
}

/** Whatever is thrown is one failure. */
async function counted(name: string, run: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await run();
  } catch (thrown) {
    console.error(thrown);
    return failed(`${name}: ${String(thrown).split("\n")[0]}`);
  }
}
