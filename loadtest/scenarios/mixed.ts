import http from "k6/http";
import { countPrediction, countRead, type Demand, type Response } from "./client/answers.ts";
import { newPhotograph } from "./client/photographs.ts";
import { asClient, postForm, postSeveral } from "./client/predict.ts";
import { BASE_URL, OPERATOR_TOKEN, Run } from "./client/run.ts";

const run = new Run("mixed");
const PHOTOGRAPHS = 8;

/** Half of the photographs come one by one and half in eights; the others ask as often as photographs come. */
export const options = run.options({
  uploaders_of_one: { ...run.offered(1 / 2, 80), exec: "uploadOne" },
  uploaders_of_eight: { ...run.offered(1 / 2 / PHOTOGRAPHS, 40), exec: "uploadEight" },
  browsers: { ...run.offered(1 / 4, 40), exec: "browse" },
  pollers: { ...run.offered(1 / 4, 40), exec: "poll" },
});

export function uploadOne() {
  run.iteration(() => {
    const answer = countPrediction(postForm(newPhotograph()), false);
    // Some come back for what they were told.
    if (answer?.prediction_id !== undefined && Math.random() < 0.1)
      read(`/api/v1/predictions/${answer.prediction_id}`, "own prediction");
  }, "uploaders_of_one");
}

export function uploadEight() {
  run.iteration(() => {
    const allRead: Demand = ({ images }) =>
      images?.length === PHOTOGRAPHS && images.every(({ status }) => status === "ok");
    countPrediction(postSeveral(PHOTOGRAPHS), false, allRead);
  }, "uploaders_of_eight");
}

/** Models, the default model, one of them; with the operator's token two pages of the history, too. */
export function browse() {
  run.iteration(() => {
    const models = read("/api/v1/models", "models");
    read("/api/v1/model_info", "model_info");
    const [model] = models.status === 200 ? (models.json("models") as unknown as { name: string }[]) : [];
    if (model) read(`/api/v1/models/${model.name}`, "model");
    if (OPERATOR_TOKEN === "") return;
    const headers = { Authorization: `Bearer ${OPERATOR_TOKEN}` };
    const page = read("/api/v1/predictions?limit=20", "history", headers);
    const cursor = page.status === 200 ? page.json("next_cursor") : null;
    if (typeof cursor === "string")
      read(`/api/v1/predictions?limit=20&cursor=${encodeURIComponent(cursor)}`, "history", headers);
  }, "browsers");
}

/** A balancer's probes. */
export function poll() {
  run.iteration(() => {
    for (const path of ["/health", "/health/live", "/health/ready"]) read(path, path);
  }, "pollers");
}

function read(path: string, name: string, headers: Record<string, string> = {}): Response {
  const response = http.get(BASE_URL + path, { headers: { ...asClient(), ...headers }, tags: { name } });
  countRead(response);
  return response;
}
