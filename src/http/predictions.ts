import { PinholeError } from "../errors.ts";
import type { PredictionRow } from "../recording/row.ts";
import { limitRead } from "./allowance.ts";
import { json } from "./json.ts";
import { jsonResponse, operation } from "./openapi/operation.ts";
import { PREDICTION_ID } from "./openapi/parameters.ts";
import { routes } from "./routes.ts";
import type { HttpServices } from "./services.ts";

/** One's own prediction again: the id can't be guessed, so whoever holds it may read. */
export function predictionRoutes(services: HttpServices) {
  return routes()
    .onBeforeHandle(({ context, set }) => limitRead(services, context, set.headers))
    .get(
      "/api/v1/predictions/:prediction_id",
      async ({ params, set }) => {
        const id = params.prediction_id;
        const row = /^[0-9a-f]{32}$/.test(id) ? await services.predictions.find(id) : null;
        if (row === null) throw new PinholeError("NOT_FOUND", "No prediction with this id is kept.");
        return json(set.headers, predictionRecordJson(row));
      },
      {
        detail: operation({
          tags: ["predictions"],
          operationId: "readPrediction",
          summary: "Read one prediction's record",
          description: "Also while the record still waits to be written.",
          parameters: [PREDICTION_ID],
          responses: { 200: jsonResponse("The record.", "PredictionRecord") },
          failures: ["NOT_FOUND"],
          limited: true,
        }),
      },
    );
}

export function predictionRecordJson(row: PredictionRow) {
  return {
    prediction_id: row.id,
    created_at: new Date(row.createdAt).toISOString(),
    request_id: row.requestId,
    model: { name: row.modelName, version: row.modelVersion, sha256: row.modelSha256 },
    image_count: row.imageCount,
    image_digests: row.imageDigests,
    class_id: row.classId,
    prob: row.prob,
    confidence_status: row.confidence,
    outcome: row.outcome,
    cached: row.cached,
    error: row.error,
    timings_ms: row.timings,
  };
}
