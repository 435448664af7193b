import { check } from "k6";
import http from "k6/http";
import { Rate, Trend } from "k6/metrics";

/**
 * Posts real photographs and holds every answer to the contract; how long each station took is read from
 * Server-Timing into a trend of its own. Settings: see README.md beside this file.
 */
const BASE_URL = __ENV.BASE_URL || "http://127.0.0.1:8080";
const STAGES = [
  "limit",
  "admit",
  "read",
  "validate",
  "cache",
  "decode",
  "queue",
  "preprocess",
  "infer",
  "postprocess",
  "total",
];

const PHOTOGRAPHS = [
  "potato_early_blight.jpg",
  "potato_late_blight.jpg",
  "tomato_bacterial_spot.jpg",
  "tomato_healthy.jpg",
  "tomato_leaf_mold.jpg",
  "tomato_yellow_leaf_curl_virus.jpg",
].map((name) => ({ name, bytes: open(`../test/fixtures/leaves/${name}`, "b") }));

const errors = new Rate("errors");
const stages = Object.fromEntries(STAGES.map((stage) => [stage, new Trend(`stage_${stage}_ms`)]));

export const options = {
  vus: Number(__ENV.VUS || 2),
  iterations: Number(__ENV.ITERATIONS || 60),
  thresholds: { checks: ["rate==1"], errors: ["rate==0"], http_req_failed: ["rate==0"] },
};

export default function () {
  const photograph = PHOTOGRAPHS[(__VU + __ITER) % PHOTOGRAPHS.length];
  const asForm = __ITER % 2 === 0;
  const response = asForm
    ? http.post(`${BASE_URL}/api/v1/predict?top_k=3`, {
        file: http.file(photograph.bytes, photograph.name, "image/jpeg"),
      })
    : http.post(`${BASE_URL}/api/v1/predict?top_k=3`, photograph.bytes, {
        headers: { "Content-Type": "image/jpeg" },
      });
  const answer = response.status === 200 ? response.json() : {};
  const timing = serverTiming(response);
  const good = check(response, {
    "status is 200": () => response.status === 200,
    "has a request id": () =>
      Boolean(response.headers["X-Request-Id"]) && answer.request_id === response.headers["X-Request-Id"],
    "has a prediction id": () => /^[0-9a-f]{32}$/.test(answer.prediction_id),
    "names the model": () => Boolean(answer.model?.name && answer.model.version && answer.model.sha256),
    "three predictions, best first": () => isRanked(answer.predictions),
    "a confidence status": () => ["HIGH", "MEDIUM", "LOW"].includes(answer.confidence_status),
    "one image, read": () => answer.images?.length === 1 && answer.images[0].status === "ok",
    "no fallback answer": () => answer.predictions !== undefined && answer.fallback !== true,
    "Server-Timing names its stations": () => timing.total > 0 && timing.read >= 0,
  });
  errors.add(!good);
  if (!good) console.error(`${response.status} ${String(response.body).slice(0, 500)}`);
  for (const stage of STAGES) if (timing[stage] !== undefined) stages[stage].add(timing[stage]);
}

function isRanked(predictions) {
  return (
    Array.isArray(predictions) &&
    predictions.length === 3 &&
    predictions.every(
      ({ class_id, prob }, i) =>
        Boolean(class_id) && prob >= 0 && prob <= 1 && (i === 0 || prob <= predictions[i - 1].prob),
    )
  );
}

/** `read;dur=0.4, infer;dur=1.9` -> { read: 0.4, infer: 1.9 }, in ms. */
function serverTiming(response) {
  const header = response.headers["Server-Timing"] || "";
  const found = header.matchAll(/([a-z]+);dur=([\d.]+)/g);
  return Object.fromEntries(Array.from(found, ([, stage, ms]) => [stage, Number(ms)]));
}
