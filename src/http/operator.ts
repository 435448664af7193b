import { PinholeError } from "../errors.ts";
import type { ConfidenceStatus } from "../inference/prediction.ts";
import { NAME_PATTERN, VERSION_PATTERN } from "../model-repository/manifest.ts";
import { OUTCOMES, type Outcome } from "../recording/row.ts";
import { json } from "./json.ts";
import { jsonResponse, type OpenApi, operation } from "./openapi/operation.ts";
import { CACHE_MODEL, PAGE_PARAMETERS } from "./openapi/parameters.ts";
import { operatorGuard } from "./operator-guard.ts";
import { predictionRecordJson } from "./predictions.ts";
import { QueryReader, queryOf } from "./query.ts";
import { routes } from "./routes.ts";
import type { HttpServices, PredictionFilter } from "./services.ts";

const MODEL_NAME = new RegExp(NAME_PATTERN);
const MODEL_KEY = new RegExp(`${NAME_PATTERN.slice(0, -1)}/${VERSION_PATTERN.slice(1)}`);
const CONFIDENCES: readonly string[] = ["HIGH", "MEDIUM", "LOW"];
const PAGE_ROWS = 50;
const PAGE_MOST_ROWS = 200;

/** What is for whoever runs the server, all of it behind the operator's guard; health reports are in health.ts. */
export function operatorRoutes(services: HttpServices) {
  const { cache, config, metrics, predictions, rateLimit, repository, tellOthers } = services;

  const cacheJson = () => {
    const { entries, bytes, hits, misses, shared, evictions } = cache.statistics();
    const asked = hits + shared + misses;
    const hit_rate = asked === 0 ? null : Math.round(((hits + shared) / asked) * 1e4) / 1e4;
    const head = { enabled: config.cacheEnabled, entries, bytes, max_bytes: config.cacheMaxBytes };
    return { ...head, hits, misses, shared, evictions, hit_rate };
  };

  return routes()
    .onBeforeHandle(operatorGuard(services))
    .get(
      "/metrics",
      async ({ set }) => {
        const { body, contentType } = await metrics.exposition();
        set.headers["content-type"] = contentType;
        set.headers["cache-control"] = "no-store";
        return body;
      },
      { detail: METRICS },
    )
    .get(
      "/api/v1/predictions",
      ({ request, set }) => {
        const { rows, next } = predictions.page(readPageQuery(queryOf(request.url)));
        const items = rows.map((row) => ({ ...predictionRecordJson(row), client_hash: row.clientHash }));
        return json(set.headers, { predictions: items, next_cursor: next });
      },
      { detail: PREDICTIONS },
    )
    .get(
      "/api/v1/admin/rate-limits",
      async ({ set }) => {
        const limits = (await rateLimit.statistics()).map((limit) => ({
          policy: limit.policy,
          limit: limit.limit,
          window_seconds: limit.windowSeconds,
          clients: limit.clients,
          admitted: limit.admitted,
          refused: limit.refused,
          top_refused: limit.topRefused.map(({ clientHash, refused }) => ({
            client_hash: clientHash,
            refused,
          })),
        }));
        return json(set.headers, { enabled: config.rateLimitEnabled, limits });
      },
      { detail: RATE_LIMITS },
    )
    .get("/api/v1/admin/cache", ({ set }) => json(set.headers, cacheJson()), { detail: CACHE })
    .delete(
      "/api/v1/admin/cache",
      async ({ request, set }) => {
        const reader = new QueryReader(queryOf(request.url));
        const key = reader.text("model", (text) => MODEL_KEY.test(text), "a model's name/version");
        reader.finish();
        if (key === null) await cache.clear();
        else if (repository.models.some((model) => model.key === key)) await cache.invalidate(key);
        else
          throw new PinholeError(
            "MODEL_NOT_FOUND",
            "There is no such model here: GET /api/v1/models lists those there are.",
          );
        tellOthers({ kind: "clear_cache", model: key });
        return json(set.headers, cacheJson());
      },
      // A body would be nobody's business: it is not read.
      { parse: "none", detail: CACHE_CLEAR },
    );
}

/** @throws PinholeError VALIDATION_FAILED */
function readPageQuery(query: string) {
  const reader = new QueryReader(query);
  const limit = reader.integer("limit", 1, PAGE_MOST_ROWS) ?? PAGE_ROWS;
  const cursor = reader.text(
    "cursor",
    (text) => /^[A-Za-z0-9_-]{1,200}$/.test(text),
    "the next_cursor of a page",
  );
  const modelName = reader.text("model", (text) => MODEL_NAME.test(text), "a model's name");
  const confidence = reader.text(
    "confidence_status",
    (text) => CONFIDENCES.includes(text),
    CONFIDENCES.join(", "),
  );
  const outcome = reader.text(
    "outcome",
    (text) => (OUTCOMES as readonly string[]).includes(text),
    OUTCOMES.join(", "),
  );
  reader.finish();
  const filter: PredictionFilter = {
    ...(modelName === null ? {} : { modelName }),
    ...(confidence === null ? {} : { confidence: confidence as ConfidenceStatus }),
    ...(outcome === null ? {} : { outcome: outcome as Outcome }),
  };
  return { limit, cursor, filter };
}

const operatorOnly = (
  operationId: string,
  summary: string,
  response: OpenApi,
  more: Partial<Parameters<typeof operation>[0]> = {},
) =>
  operation({
    operationId,
    tags: ["operator"],
    summary,
    responses: { 200: response },
    operator: true,
    ...more,
  });

const METRICS = operatorOnly("readMetrics", "All figures in the Prometheus format", {
  description: "Text exposition format 0.0.4.",
  content: { "text/plain": { schema: { type: "string" } } },
});
const PREDICTIONS = operatorOnly(
  "listPredictions",
  "List predictions, newest first",
  jsonResponse("One page; `next_cursor` is null on the last.", "PredictionPage"),
  { tags: ["operator", "predictions"], parameters: PAGE_PARAMETERS, failures: ["VALIDATION_FAILED"] },
);
const RATE_LIMITS = operatorOnly(
  "readRateLimits",
  "What the rate limits let in and refused",
  jsonResponse("By limit; clients by their hash.", "RateLimits"),
);
const CACHE = operatorOnly(
  "readCache",
  "How the answer cache does",
  jsonResponse("The cache.", "CacheStatistics"),
);
const CACHE_CLEAR = operatorOnly(
  "clearCache",
  "Forget cached answers, of one model or all",
  jsonResponse("The cache afterwards.", "CacheStatistics"),
  { parameters: [CACHE_MODEL], failures: ["VALIDATION_FAILED", "MODEL_NOT_FOUND"] },
);
