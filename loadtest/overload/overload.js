import exec from "k6/execution";
import http from "k6/http";
import { Counter, Gauge, Trend } from "k6/metrics";

/**
 * Posts photographs as PLAN says (k6's scenarios as JSON, each with its name as SCENARIO in its environment) and
 * writes what was answered, for each scenario, to SUMMARY. measure.ts beside it runs it and says what comes of it.
 */
const BASE_URL = __ENV.BASE_URL || "http://127.0.0.1:8080";
const PLAN = JSON.parse(
  __ENV.PLAN || '{"one":{"executor":"constant-vus","duration":"5s","env":{"SCENARIO":"one"}}}',
);
/** By scenario: how long after its start answers begin to count, and when they are too late for its goodput. */
const SPANS = JSON.parse(__ENV.SPANS || "{}");

const PHOTOGRAPHS = [
  "potato_early_blight.jpg",
  "potato_late_blight.jpg",
  "tomato_bacterial_spot.jpg",
  "tomato_healthy.jpg",
  "tomato_leaf_mold.jpg",
  "tomato_yellow_leaf_curl_virus.jpg",
].map((name) => open(`../../test/fixtures/leaves/${name}`, "b"));
const PARAMETERS = { headers: { "Content-Type": "image/jpeg" }, timeout: "30s" };
const URL = `${BASE_URL}/api/v1/predict?top_k=1`;

const COUNTS = ["in_time", "fallback", "no_retry_after", "wrong"];
const figures = {};
for (const name of Object.keys(PLAN)) {
  figures[name] = {
    served_ms: new Trend(`${name}_served_ms`),
    refused_ms: new Trend(`${name}_refused_ms`),
    started_at: new Gauge(`${name}_started_at`),
  };
  for (const count of COUNTS) figures[name][count] = new Counter(`${name}_${count}`);
}

export const options = {
  scenarios: PLAN,
  // What nobody reads costs the generator's time.
  systemTags: [],
  summaryTrendStats: ["count", "avg", "min", "med", "p(95)", "p(99)", "max"],
};

// Nor what k6 would say of statuses by itself.
http.setResponseCallback(null);

// Of this virtual user and the scenario it runs now: asked once for each, for asking is not cheap.
let current = null;
let kept = null;
let startTime = 0;
let span = null;
let next = 0;

function begin(name) {
  current = name;
  kept = figures[name];
  startTime = exec.scenario.startTime;
  span = { fromMs: 0, untilMs: Number.POSITIVE_INFINITY, ...SPANS[name] };
  next = exec.vu.idInTest;
  kept.started_at.add(startTime);
}

export default function () {
  if (__ENV.SCENARIO !== current) begin(__ENV.SCENARIO);
  const response = http.post(URL, PHOTOGRAPHS[next++ % PHOTOGRAPHS.length], PARAMETERS);
  const atMs = Date.now() - startTime;
  if (atMs < span.fromMs) return;
  if (response.status === 503) {
    // Their number is that of the times, too: one metric is cheaper than two.
    kept.refused_ms.add(response.timings.duration);
    if (!/^[1-9][0-9]*$/.test(response.headers["Retry-After"])) kept.no_retry_after.add(1);
  } else if (response.status === 200) {
    kept.served_ms.add(response.timings.duration);
    if (atMs < span.untilMs) kept.in_time.add(1);
    if (response.body.includes('"fallback":true')) kept.fallback.add(1);
  } else {
    kept.wrong.add(1);
    console.error(`${response.status} ${response.error} ${String(response.body).slice(0, 300)}`);
  }
}

export function handleSummary({ metrics }) {
  const values = {};
  for (const name of Object.keys(PLAN)) {
    values[name] = {};
    for (const figure of Object.keys(figures[name]))
      values[name][figure] = metrics[`${name}_${figure}`]?.values ?? null;
  }
  return { [__ENV.SUMMARY]: JSON.stringify(values) };
}
