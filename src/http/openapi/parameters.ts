import { NAME_PATTERN, VERSION_PATTERN } from "../../model-repository/manifest.ts";
import { OUTCOMES } from "../../recording/row.ts";
import type { OpenApi } from "./operation.ts";

export const MODEL_NAME: OpenApi = {
  name: "name",
  in: "path",
  required: true,
  schema: { type: "string", pattern: NAME_PATTERN },
};

export const MODEL_VERSION: OpenApi = {
  name: "version",
  in: "path",
  required: true,
  schema: { type: "string", pattern: VERSION_PATTERN },
};

export const PREDICTION_ID: OpenApi = {
  name: "prediction_id",
  in: "path",
  required: true,
  schema: { type: "string", pattern: "^[0-9a-f]{32}$" },
};

export const CACHE_MODEL: OpenApi = {
  name: "model",
  in: "query",
  description: "name/version; every model otherwise.",
  schema: { type: "string", pattern: `${NAME_PATTERN.slice(0, -1)}/${VERSION_PATTERN.slice(1)}` },
};

export const PAGE_PARAMETERS: readonly OpenApi[] = [
  {
    name: "limit",
    in: "query",
    description: "Most records of a page.",
    schema: { type: "integer", minimum: 1, maximum: 200, default: 50 },
  },
  {
    name: "cursor",
    in: "query",
    description: "`next_cursor` of the page before; the first page otherwise.",
    schema: { type: "string", pattern: "^[A-Za-z0-9_-]{1,200}$" },
  },
  {
    name: "model",
    in: "query",
    description: "Only predictions of this model, any version.",
    schema: { type: "string", pattern: NAME_PATTERN },
  },
  {
    name: "confidence_status",
    in: "query",
    description: "Only predictions with this status.",
    schema: { enum: ["HIGH", "MEDIUM", "LOW"] },
  },
  {
    name: "outcome",
    in: "query",
    description: "Only predictions that came to this.",
    schema: { enum: OUTCOMES },
  },
];
