import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLoad } from "../bench/generator/job.ts";
import { servableModel } from "../bench/models.ts";
import { photographs } from "../bench/photographs.ts";
import { CHECKOUT } from "../bench/server.ts";
import { mainThreadShares } from "./cpu-profile.ts";
import { type ThreadTimes, threadTimes } from "./threads.ts";

/**
 * `bun run profile [seconds] [hits]`: where the server's CPU time goes. mobilenet_v3_small, 256 x 256 JPEGs as raw
 * bodies, 16 connections, no cache, or with `hits` a cache that has all answers, no rate limit: CPU and wake-ups of each thread for each request, first without, then with
 * Bun's sampling profiler, by which functions of the main thread are ranked.
 */

const MODEL = "mobilenet_v3_small";
const CONNECTIONS = 16;
const WARM_UP_SECONDS = 3;
const SECONDS = 8;
const PORT = 18_099;

/** So few that the cache soon has all of them. */
const HIT_PHOTOGRAPHS = 16;

if (import.meta.main) {
  const [seconds = String(SECONDS), what] = process.argv.slice(2);
  await main(Number(seconds), what === "hits");
}

async function main(seconds: number, hits: boolean): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "pinhole-profile-"));
  try {
    const plain = await loaded(home, { flags: [], seconds, hits });
    console.log(
      `${Math.round(plain.requestsPerSecond)} requests/s; CPU ms and wake-ups of a request, by thread:\n`,
    );
    console.log("| thread | CPU ms | of it in the kernel | gave up the core | was interrupted |");
    console.log("| --- | --- | --- | --- | --- |");
    for (const { name, cpuMs, systemMs, waits, preemptions } of plain.threads)
      console.log(
        `| ${name} | ${[cpuMs, systemMs, waits, preemptions].map((value) => (value / plain.answers).toFixed(3)).join(" | ")} |`,
      );
    const profiles = join(home, "profiles");
    await loaded(home, { flags: ["--cpu-prof", `--cpu-prof-dir=${profiles}`], seconds, hits });
    const [file] = await readdir(profiles);
    const shares = mainThreadShares(await Bun.file(join(profiles, file!)).json(), CHECKOUT);
    console.log("\n| with what it calls | by itself | function of the main thread |\n| --- | --- | --- |");
    for (const { name, total, self } of shares)
      console.log(`| ${percent(total)} | ${percent(self)} | \`${name}\` |`);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

/** A server of its own under load. */
async function loaded(
  home: string,
  { flags, seconds, hits }: { flags: readonly string[]; seconds: number; hits: boolean },
) {
  const { modelsDir } = await servableModel(MODEL);
  const { files: all } = await photographs("256x256");
  const files = hits ? all.slice(0, HIT_PHOTOGRAPHS) : all;
  const server = Bun.spawn([process.execPath, ...flags, "--no-env-file", "src/index.ts"], {
    cwd: CHECKOUT,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      MALLOC_ARENA_MAX: "2",
      ORT_DISABLE_TELEMETRY: "1",
      PORT: String(PORT),
      PINHOLE_DATA_DIR: join(home, "data"),
      PINHOLE_MODELS_DIR: modelsDir,
      PINHOLE_MODEL_DEFAULT: MODEL,
      PINHOLE_ENVIRONMENT: "production",
      PINHOLE_DRAIN_DELAY_MS: "0",
      PINHOLE_CACHE_ENABLED: String(hits),
      PINHOLE_RATE_LIMIT_ENABLED: "false",
      PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
    },
    stdout: Bun.file(join(home, "stdout.log")),
    stderr: Bun.file(join(home, "stderr.log")),
  });
  try {
    const url = `http://127.0.0.1:${PORT}`;
    while ((await fetch(`${url}/health/ready`).catch(() => null))?.status !== 200) {
      if (server.exitCode !== null) throw new Error(await Bun.file(join(home, "stderr.log")).text());
      await Bun.sleep(50);
    }
    const load = (duration: number) =>
      runLoad({
        url: `${url}/api/v1/predict`,
        bodies: { files, contentType: "image/jpeg", formField: null },
        connections: CONNECTIONS,
        seconds: duration,
        rate: null,
      });
    await load(WARM_UP_SECONDS);
    const before = threadTimes(server.pid);
    const { answers, answersPerSecond } = await load(seconds);
    const threads = difference(threadTimes(server.pid), before);
    return { answers, requestsPerSecond: answersPerSecond, threads };
  } finally {
    server.kill("SIGTERM");
    await server.exited;
  }
}

/** Threads that did anything, the busiest first. */
function difference(after: Map<string, ThreadTimes>, before: Map<string, ThreadTimes>): ThreadTimes[] {
  const spent = [...after].map(([id, now]) => {
    const then = before.get(id);
    return {
      name: now.name,
      cpuMs: now.cpuMs - (then?.cpuMs ?? 0),
      systemMs: now.systemMs - (then?.systemMs ?? 0),
      waits: now.waits - (then?.waits ?? 0),
      preemptions: now.preemptions - (then?.preemptions ?? 0),
    };
  });
  return spent.filter(({ cpuMs }) => cpuMs > 0).sort((a, b) => b.cpuMs - a.cpuMs);
}
