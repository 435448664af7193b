import { type LoadJob, runLoad } from "../bench/generator/job.ts";
import { servableModel } from "../bench/models.ts";
import { photographs } from "../bench/photographs.ts";
import { treeUsage } from "../bench/process-tree.ts";
import { median } from "../bench/statistics.ts";

/**
 * `bun loadtest/hand-over/main.ts [rounds] [seconds]`: what it costs that the server decodes and hands image tensors
 * over, beside a worker that does all by itself. mobilenet_v3_small, 256 x 256 JPEGs, two workers; the two ways in
 * turn, medians.
 */

const MODEL = "mobilenet_v3_small";
const PLACES = ["worker", "server"] as const;
const CONNECTIONS = [1, 16, 64];
const WORKERS = 2;

if (import.meta.main) await main(Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 2));

async function main(rounds: number, seconds: number): Promise<void> {
  const { folder } = await servableModel(MODEL);
  const { files } = await photographs("256x256");
  const servers = await Promise.all(PLACES.map((place) => start(folder, place)));
  try {
    for (const { url } of servers) await runLoad(job(url, files, 16, 2));
    console.log(
      "| connections | decoded in the worker, CPU ms | handed over, CPU ms | ratio | requests/s | requests/s |",
    );
    console.log("| --- | --- | --- | --- | --- | --- |");
    for (const connections of CONNECTIONS) {
      const cpuMs = servers.map(() => [] as number[]);
      const rates = servers.map(() => [] as number[]);
      for (let round = 0; round < rounds; round++) {
        for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) {
          const { url, pid } = servers[index]!;
          const before = treeUsage(pid).cpuMs;
          const { answers, answersPerSecond } = await runLoad(job(url, files, connections, seconds));
          cpuMs[index]!.push((treeUsage(pid).cpuMs - before) / answers);
          rates[index]!.push(answersPerSecond);
        }
      }
      const ratio = median(cpuMs[1]!.map((handed, round) => handed / cpuMs[0]![round]!));
      const cells = [...cpuMs.map((all) => median(all).toFixed(2)), ratio.toFixed(3)];
      console.log(
        `| ${[connections, ...cells, ...rates.map((all) => median(all).toFixed(0))].join(" | ")} |`,
      );
    }
  } finally {
    for (const { child } of servers) child.kill("SIGKILL");
  }
}

async function start(folder: string, place: (typeof PLACES)[number]) {
  const script = new URL("server.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, "--no-env-file", script, folder, place, String(WORKERS)], {
    env: { ...process.env, MALLOC_ARENA_MAX: "2", ORT_DISABLE_TELEMETRY: "1" },
    stdout: "pipe",
  });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  return { child, pid: child.pid, url: `http://127.0.0.1:${new TextDecoder().decode(value).trim()}/` };
}

function job(url: string, files: readonly string[], connections: number, seconds: number): LoadJob {
  const bodies = { files, contentType: "image/jpeg", formField: null };
  return { url, bodies, connections, seconds, rate: null };
}
