import exec from "k6/execution";
import http from "k6/http";
import { Counter, Gauge, Trend } from "k6/metrics";

/**
 * One client, told apart by the address that it calls from (`--local-ips`): posts photographs at a steady rate, as
 * PLAN says (k6's scenarios as JSON, each with the name of its phase in `env`), and writes what was answered, by
 * phase, to SUMMARY. measure.ts beside it runs it, once for the quiet client and once for each flood.
 */
const BASE_URL = __ENV.BASE_URL || "http://127.0.0.1:8080";
const PLAN = JSON.parse(
  __ENV.PLAN || '{"one":{"executor":"constant-vus","duration":"5s","env":{"PHASE":"one"}}}',
);
/** Answers before this, after a scenario's start, do not count. */
const SKIP_MS = Number(__ENV.SKIP_MS || 0);

const PHOTOGRAPHS = [
  "potato_early_blight.jpg",
  "potato_late_blight.jpg",
  "tomato_bacterial_spot.jpg",
  "tomato_healthy.jpg",
  "tomato_leaf_mold.jpg",
  "tomato_yellow_leaf_curl_virus.jpg",
].map((name) => open(`../../test/fixtures/leaves/${name}`, "b"));
const HEADERS = { headers: { "Content-Type": "image/jpeg" }, timeout: "30s" };
const URL = `${BASE_URL}/api/v1/predict?top_k=1`;

const PHASES = [...new Set(Object.values(PLAN).map(({ env }) => env.PHASE))];
const figures = {};
for (const phase of PHASES) {
  figures[phase] = { served_ms: new Trend(`${phase}_served_ms`) };
  for (const count of ["served", "refused", "wrong"])
    figures[phase][count] = new Counter(`${phase}_${count}`);
}
const startedAt = new Gauge("started_at");

export const options = {
  scenarios: PLAN,
  systemTags: [],
  summaryTrendStats: ["count", "med", "p(95)", "p(99)", "max"],
};

export default function () {
  const { startTime, iterationInTest } = exec.scenario;
  startedAt.add(startTime);
  const kept = figures[__ENV.PHASE];
  const response = http.post(URL, PHOTOGRAPHS[iterationInTest % PHOTOGRAPHS.length], HEADERS);
  if (Date.now() - startTime - response.timings.duration < SKIP_MS) return;
  // The fallback answer says that inference failed.
  if (response.status === 200 && !response.body.includes('"fallback":true')) {
    kept.served.add(1);
    kept.served_ms.add(response.timings.duration);
  } else if (response.status === 503) kept.refused.add(1);
  else kept.wrong.add(1);
}

export function handleSummary({ metrics }) {
  const values = {};
  for (const phase of PHASES) {
    values[phase] = {};
    for (const figure of Object.keys(figures[phase]))
      values[phase][figure] = metrics[`${phase}_${figure}`]?.values ?? null;
  }
  return { [__ENV.SUMMARY]: JSON.stringify(values) };
}
