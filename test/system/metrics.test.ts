import { afterAll, beforeAll, expect, test } from "bun:test";
import { alertRules, board, boardQueries } from "./monitoring-files.ts";
import { form } from "./photographs.ts";
import { plain } from "./pictures.ts";
import { type RunningPrometheus, startPrometheus } from "./prometheus.ts";
import { groupingLabelsOf, selectorsOf, seriesOf } from "./promql.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

/** Scrapes that the traffic is spread over: a rate wants two, and counters that come up late want one more. */
const TRAFFIC_MS = 5000;
/** What Prometheus itself adds to every series. */
const ADDED_LABELS = ["instance", "job"];
/** Queries that are right to find nothing where all is well. */
const MAY_BE_EMPTY = ["annotation"];

let server: RunningServer;
let prometheus: RunningPrometheus;
let exposition: string;

beforeAll(async () => {
  server = await startServer({
    PINHOLE_MODELS_DIR: "test/fixtures/models",
    PINHOLE_MODEL_DEFAULT: "rgb-float32",
    PINHOLE_WORKER_COUNT: "1",
    PINHOLE_RATE_LIMIT_REQUESTS: "40",
    PINHOLE_HEALTH_INTERVAL_SECONDS: "1",
  });
  prometheus = await startPrometheus(server);
  const until = performance.now() + TRAFFIC_MS;
  for (let round = 0; performance.now() < until; round++) {
    await everyKindOfRequest(round);
    await Bun.sleep(200);
  }
  exposition = await (await fetch(`${server.url}/metrics`, asOperator)).text();
}, 60_000);

afterAll(async () => {
  await prometheus?.[Symbol.asyncDispose]();
  await server?.stop();
});

/** Answered, cached, spoilt, refused, failed and unknown: what boards and alerts are about. */
async function everyKindOfRequest(round: number): Promise<void> {
  const fresh = await plain(round % 256, 10, 10);
  const same = await plain(1, 2, 3);
  const predict = (query: string, body: RequestInit["body"]) =>
    fetch(`${server.url}/api/v1/predict${query}`, { method: "POST", body });
  const bad = new TextEncoder().encode("no picture");
  const requests = [
    predict("", form([{ filename: "fresh.png", bytes: fresh, type: "image/png" }])),
    predict("", form([{ filename: "same.png", bytes: same, type: "image/png" }])),
    predict(
      "",
      form([
        { filename: "same.png", bytes: same, type: "image/png" },
        { filename: "bad.png", bytes: bad, type: "image/png" },
      ]),
    ),
    predict("", form([{ filename: "bad.jpg", bytes: bad }])),
    predict(
      "?model=fails-on-white",
      form([{ filename: "w.png", bytes: await plain(255, 255, 255), type: "image/png" }]),
    ),
    predict("?model=none", form([])),
    fetch(`${server.url}/api/v1/model_info`),
    fetch(`${server.url}/nowhere`),
    fetch(`${server.url}/health/detailed`),
  ];
  for (const response of await Promise.all(requests)) await response.body?.cancel();
}

async function expressions(): Promise<{ from: string; expr: string }[]> {
  const rules = (await alertRules()).map(({ alert, expr }) => ({ from: alert, expr }));
  return [...boardQueries(await board()), ...rules];
}

test("every metric and label of every query and alert is exported", async () => {
  const series = seriesOf(exposition);
  const missing: string[] = [];
  for (const { from, expr } of await expressions()) {
    const known = new Set(ADDED_LABELS);
    for (const { metric, matchers } of selectorsOf(expr)) {
      if (metric === "up") continue;
      const own = series.filter((one) => one.metric === metric);
      if (own.length === 0) missing.push(`${from}: ${metric}`);
      const labels = new Set(own.flatMap((one) => Object.keys(one.labels)));
      for (const label of labels) known.add(label);
      for (const { label, operator, value } of matchers) {
        if (ADDED_LABELS.includes(label)) continue;
        if (!labels.has(label)) missing.push(`${from}: ${metric}{${label}}`);
        const values = new Set(own.map((one) => one.labels[label]));
        for (const wanted of operator.includes("~") ? value.split("|") : [value])
          if (!values.has(wanted)) missing.push(`${from}: ${metric}{${label}="${wanted}"}`);
      }
    }
    for (const label of groupingLabelsOf(expr)) if (!known.has(label)) missing.push(`${from}: by (${label})`);
  }
  expect(missing).toEqual([]);
});

test("Prometheus can run every query of the board, and finds something", async () => {
  const empty: string[] = [];
  for (const { from, expr } of boardQueries(await board())) {
    const query = expr.replaceAll("$__rate_interval", "10s").replaceAll("$instance", ".*");
    const samples = await prometheus.query(query);
    const found = samples.some(({ value }) => !Number.isNaN(value));
    if (!found && !MAY_BE_EMPTY.includes(from)) empty.push(`${from}: ${query}`);
  }
  expect(empty).toEqual([]);
});

test("what Prometheus stores is what was asked for", async () => {
  const one = async (query: string) => (await prometheus.query(query))[0]?.value;
  expect(await one("pinhole_ready")).toBe(1);
  expect(await one('pinhole_active_clients{day="today"}')).toBe(1);
  expect(await one('nv_inference_request_failure{model="fails-on-white", reason="BACKEND"}')).toBeGreaterThan(
    0,
  );
  expect(await one('pinhole_fallback_answers_total{model=~"fails-on-white/.*"}')).toBeGreaterThan(0);
  expect(await one("pinhole_cache_hits_total")).toBeGreaterThan(0);
  expect(await one('sum(pinhole_images_total{outcome="UNSUPPORTED_IMAGE_TYPE"})')).toBeGreaterThan(0);
  expect(await one('pinhole_errors_total{code="RATE_LIMIT_EXCEEDED"}')).toBeGreaterThan(0);
});

test("Prometheus evaluates every alert, and the failing model wakes somebody", async () => {
  const states = await prometheus.alerts();
  expect(states.map(({ name }) => name).sort()).toEqual(
    (await alertRules()).map(({ alert }) => alert).sort(),
  );
  expect(states.filter(({ health, lastError }) => health !== "ok" || lastError)).toEqual([]);
  const stateOf = (name: string) => states.find((alert) => alert.name === name)?.state;
  expect(stateOf("PinholeFallbackAnswers")).toBe("firing");
  for (const quiet of [
    "PinholeDown",
    "PinholeAbsent",
    "PinholeNotReady",
    "PinholeRestarting",
    "PinholeErrors",
  ])
    expect([quiet, stateOf(quiet)]).toEqual([quiet, "inactive"]);
});

test("promtool finds nothing to say of our names, and takes the configuration that ran", async () => {
  const lint = Bun.spawnSync(["promtool", "check", "metrics"], {
    stdin: new TextEncoder().encode(exposition),
  });
  const said = `${lint.stdout}${lint.stderr}`.split("\n").filter((line) => line !== "");
  expect(said.filter((line) => !line.startsWith("nv_inference_"))).toEqual([]);
  const config = Bun.spawnSync(["promtool", "check", "config", prometheus.config]);
  expect([config.exitCode, `${config.stderr}`]).toEqual([0, ""]);
});

test("a server that is gone is seen", async () => {
  await server.stop();
  const giveUpAt = performance.now() + 20_000;
  let state: string | undefined;
  while (state !== "pending" && performance.now() < giveUpAt) {
    await Bun.sleep(100);
    state = (await prometheus.alerts()).find(({ name }) => name === "PinholeDown")?.state;
  }
  expect(state).toBe("pending");
}, 30_000);
