import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { YAML } from "bun";
import { repositoryRoot } from "../run/command.ts";
import { freePort, OPERATOR_TOKEN, type RunningServer } from "./server.ts";

const DEPLOYED = join(repositoryRoot(), "deploy/prometheus");
const START_TIMEOUT_MS = 20_000;

interface ScrapeConfig {
  job_name: string;
  authorization?: { credentials_file: string };
  dns_sd_configs?: unknown;
  static_configs?: { targets: string[] }[];
}

interface PrometheusConfig {
  global: Record<string, string>;
  rule_files: string[];
  scrape_configs: ScrapeConfig[];
}

/** One series of an instant query's answer, or the one value of a scalar. */
export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface AlertState {
  name: string;
  state: "inactive" | "pending" | "firing";
  health: string;
  lastError?: string;
}

/** A Prometheus of its own, on a free port of loopback, with deploy/prometheus as it is but for where and when. */
export interface RunningPrometheus extends AsyncDisposable {
  /** Of the file that it runs with, for `promtool check config`. */
  config: string;
  /** @throws with Prometheus's own words when the query is wrong */
  query(expression: string): Promise<Sample[]>;
  alerts(): Promise<AlertState[]>;
}

/** Starts it and waits until it has scraped the server. */
export async function startPrometheus(server: RunningServer): Promise<RunningPrometheus> {
  const home = await mkdtemp(join(tmpdir(), "pinhole-prometheus-"));
  const config = join(home, "prometheus.yml");
  await Bun.write(join(home, "token"), OPERATOR_TOKEN);
  for (const file of await readdir(DEPLOYED))
    await Bun.write(join(home, file), Bun.file(join(DEPLOYED, file)));
  const port = freePort();
  const deployed = YAML.parse(await Bun.file(config).text()) as PrometheusConfig;
  // Every JSON document is a YAML document.
  await Bun.write(config, JSON.stringify(here(deployed, { home, port, server })));
  const log = join(home, "prometheus.log");
  await Bun.write(log, "");
  const child = Bun.spawn(
    [
      "prometheus",
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(home, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdin: "ignore", stdout: Bun.file(log), stderr: Bun.file(log) },
  );
  const url = `http://127.0.0.1:${port}`;
  const prometheus: RunningPrometheus = {
    config,
    async query(expression) {
      const body = new URLSearchParams({ query: expression });
      const answer = (await (await fetch(`${url}/api/v1/query`, { method: "POST", body })).json()) as Answer;
      if (answer.status !== "success") throw new Error(`${expression}\n${answer.error}`);
      const { resultType, result } = answer.data;
      if (resultType === "scalar") return [{ labels: {}, value: Number(result[1]) }];
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async alerts() {
      const { data } = (await (await fetch(`${url}/api/v1/rules`)).json()) as Rules;
      return data.groups.flatMap(({ rules }) => rules);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await child.exited;
      clearTimeout(late);
      await rm(home, { recursive: true, force: true });
    },
  };
  try {
    const giveUpAt = performance.now() + START_TIMEOUT_MS;
    while (!(await prometheus.query('up{job="pinhole"} == 1').catch(() => [])).length) {
      if (performance.now() > giveUpAt || child.exitCode !== null) throw new Error("it never scraped");
      await Bun.sleep(50);
    }
  } catch (thrown) {
    const said = (await Bun.file(log).text()).slice(-4000);
    await prometheus[Symbol.asyncDispose]();
    throw new Error(`Prometheus did not start: ${thrown}\n${said}`);
  }
  return prometheus;
}

type Answer =
  | { status: "error"; error: string }
  | {
      status: "success";
      data:
        | { resultType: "scalar"; result: [number, string] }
        | { resultType: "vector"; result: { metric: Record<string, string>; value: [number, string] }[] };
    };

interface Rules {
  data: { groups: { rules: AlertState[] }[] };
}

/** The deployed configuration, for this machine and for a test's patience. */
function here(
  config: PrometheusConfig,
  { home, port, server }: { home: string; port: number; server: RunningServer },
): PrometheusConfig {
  const targets: Record<string, string> = {
    pinhole: `127.0.0.1:${server.port}`,
    prometheus: `127.0.0.1:${port}`,
  };
  return {
    ...config,
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    scrape_configs: config.scrape_configs.map(({ dns_sd_configs: _, ...job }) => ({
      ...job,
      ...(job.authorization && {
        authorization: { ...job.authorization, credentials_file: join(home, "token") },
      }),
      static_configs: [{ targets: [targets[job.job_name]!] }],
    })),
  };
}
