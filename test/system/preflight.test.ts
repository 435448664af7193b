import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "./server.ts";

/** The checks before the start: as a command, and where a server in production refuses to start. */

const ROOT = new URL("../..", import.meta.url).pathname;
const TOKEN = "5d1f0c9be27a48f3a6b81e04d97c3f62";
const SETTINGS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_OPERATOR_TOKEN: TOKEN,
};

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pinhole-preflight-"));
});
afterAll(() => rm(home, { recursive: true, force: true }));

async function run(script: string, args: string[], settings: Record<string, string>) {
  const child = Bun.spawn([process.execPath, "--no-env-file", script, ...args], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      // Without one Bun keeps its cache in the working directory.
      HOME: process.env.HOME,
      PINHOLE_DATA_DIR: join(home, "data"),
      PORT: "0",
      ...SETTINGS,
      ...settings,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  clearTimeout(late);
  expect(out + err).not.toContain(TOKEN);
  return { code, out, err };
}

const preflight = (args: string[], settings: Record<string, string> = {}) =>
  run("src/commands/preflight.ts", args, settings);

interface Json {
  ok: boolean;
  findings: { check: string; verdict: string; found: string; advice: string | null }[];
}

describe("bun run preflight", () => {
  test("a machine that is fit: every check is ok, and nothing is made", async () => {
    const { code, out } = await preflight([]);
    expect(out).toEndWith("11 ok, 0 to look at, 0 failed\n");
    expect(code).toBe(0);
    expect(await readdir(home)).toEqual([]);
  });

  test("all mistakes of the settings together, as JSON", async () => {
    const { code, out } = await preflight(["--json"], { PORT: "x", PINHOLE_WORKER_COUNT: "-1" });
    const { ok, findings } = JSON.parse(out) as Json;
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(findings.map(({ check, verdict, found }) => `${check} ${verdict} ${found.split(":")[0]}`)).toEqual(
      ["settings fail PORT", "settings fail PINHOLE_WORKER_COUNT"],
    );
  });

  test("beside a running server: its port is taken, its database is fine", async () => {
    await using server = await startServer(SETTINGS);
    const { code, out } = await preflight(["--json"], {
      PORT: String(server.port),
      PINHOLE_DATA_DIR: server.dataDir,
    });
    const { findings } = JSON.parse(out) as Json;
    expect(code).toBe(1);
    expect(findings.filter(({ verdict }) => verdict !== "ok").map(({ check }) => check)).toEqual(["port"]);
    expect(findings.find(({ check }) => check === "database")?.found).toContain("writable, migrated, whole");
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });

  test("--thorough runs every model", async () => {
    const { code, out } = await preflight(["--thorough"], {
      PINHOLE_MODELS_DIR: "models",
      PINHOLE_MODEL_DEFAULT: "leaf-disease",
    });
    expect(out).toMatch(/ ok {3}models run {3}leaf-disease\/1\.0\.0: float32/);
    expect(code).toBe(0);
  });

  test("an option that is not known", async () => {
    expect(await preflight(["--all"])).toMatchObject({ code: 2, out: "" });
  });
});

describe("a server in production", () => {
  const production = {
    PINHOLE_ENVIRONMENT: "production",
    PINHOLE_HOSTS_ALLOWED: "127.0.0.1",
    PINHOLE_DRAIN_DELAY_MS: "0",
  };

  test("does not start with a token that can be guessed, on a database that is damaged", async () => {
    const dataDir = join(home, "bad");
    await mkdir(dataDir, { mode: 0o700 });
    await Bun.write(join(dataDir, "pinhole.sqlite"), "no database ".repeat(500));
    const { code, err } = await run("src/index.ts", [], {
      ...production,
      PINHOLE_OPERATOR_TOKEN: "change-me-change-me-change-me-change-me",
      PINHOLE_DATA_DIR: dataDir,
    });
    expect(code).toBe(78);
    expect(err).toContain("Pinhole does not start like this:");
    expect(err).toContain("file is not a database");
    expect(err).toContain("PINHOLE_OPERATOR_TOKEN can be guessed");
    expect(err).not.toContain("change-me");
    expect(await Bun.file(join(dataDir, "pinhole.sqlite")).text()).toStartWith("no database");
  });

  test("starts where all is well, and tells what to look at", async () => {
    await using server = await startServer({ ...SETTINGS, ...production });
    await server.said("so a proxy stands before it, and none is trusted");
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });
});
