import { Answer, Problem } from "./answer-schemas.ts";
import { Model, ModelList, ModelVersions } from "./model-schemas.ts";
import {
  CacheStatistics,
  Health,
  HealthDetailed,
  HealthHistory,
  HealthMetrics,
  Live,
  LogLevel,
  PredictionPage,
  PredictionRecord,
  RateLimits,
  Ready,
} from "./operator-schemas.ts";

/** The JSON of every answer, as OpenAPI 3.1 (JSON Schema) describes it and as the tests hold answers to it. */
export const SCHEMAS = {
  Answer,
  CacheStatistics,
  Health,
  HealthDetailed,
  HealthHistory,
  HealthMetrics,
  Live,
  LogLevel,
  Model,
  ModelList,
  ModelVersions,
  PredictionPage,
  PredictionRecord,
  Problem,
  RateLimits,
  Ready,
} as const;

export type SchemaName = keyof typeof SCHEMAS;
