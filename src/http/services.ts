import type { Allowance, PolicyStatistics } from "../admission/rate-limit.ts";
import type { Clock, NewId } from "../clock.ts";
import type { HealthMonitor, HealthReport } from "../health/monitor.ts";
import type { CacheStatistics } from "../inference/cache.ts";
import type { ConfidenceStatus } from "../inference/prediction.ts";
import type { Predictor } from "../inference/predictor.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { Outcome, PredictionRow } from "../recording/row.ts";
import type { Config } from "../settings.ts";
import type { Order } from "../supervisor/messages.ts";
import type { AdmissionFigures } from "../telemetry/admission-figures.ts";
import type { Logger, Logs } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { SystemFigures } from "../telemetry/system-figures.ts";
import type { Tracing } from "../telemetry/tracing.ts";

/** All that HTTP needs of the rest of the server. */
export interface HttpServices {
  config: Config;
  clock: Clock;
  newId: NewId;
  /** `logs.server`. */
  log: Logger;
  logs: Logs;
  /** Null: tracing is off. */
  tracing: Tracing | null;
  predictor: Pick<Predictor, "predict">;
  repository: ModelDirectory;
  rateLimit: RequestLimits;
  cache: CacheControls;
  predictions: PredictionArchive;
  health: HealthMonitor;
  /** Null: reports are not kept, and there is no `/health/history`. */
  healthHistory: HealthHistory | null;
  system: { read(): Promise<SystemFigures> };
  /** How full the server is, and how full it may get. */
  admission: () => AdmissionFigures;
  metrics: Metrics;
  /** HMAC of a client key: the only form in which one is shown or logged. */
  clientHash(clientKey: string): string;
  state: { draining: boolean };
  /** Has other server processes do what this one was told; nothing where there are none. */
  tellOthers(order: Order): void;
}

export interface ModelDirectory {
  /** Every version of every model, by name, newest version first. */
  readonly models: readonly Model[];
  /** The model for requests that name none, ready or not. */
  readonly defaultModel: Model;
  /** Newest first; empty where there is no such model. */
  versions(name: string): readonly Model[];
  /** Whether the model of this key can answer now. */
  isReady(key: string): boolean;
}

/** Knows the policies "predict" (taken by the walk), "read" and "operator". */
export interface RequestLimits {
  take(policy: string, clientKey: string): Allowance | Promise<Allowance>;
  /** What `take` would say, without counting. */
  peek(policy: string, clientKey: string): Allowance | Promise<Allowance>;
  statistics(): PolicyStatistics[] | Promise<PolicyStatistics[]>;
}

export interface CacheControls {
  statistics(): CacheStatistics;
  /** Forgets every answer of the model with this key ("name/version"). */
  invalidate(modelKey: string): void | Promise<void>;
  /** Forgets everything. */
  clear(): void | Promise<void>;
}

export interface PredictionFilter {
  /** Any version of it. */
  modelName?: string;
  confidence?: ConfidenceStatus;
  outcome?: Outcome;
}

export interface PredictionArchive {
  /** Also finds rows that still wait to be written. Null where there is none. */
  find(id: string): PredictionRow | null | Promise<PredictionRow | null>;
  /**
   * One page, newest first; `next` is the cursor of the page after it.
   * @throws PinholeError VALIDATION_FAILED for a cursor that it never gave
   */
  page(request: { cursor: string | null; limit: number; filter?: PredictionFilter }): {
    rows: PredictionRow[];
    next: string | null;
  };
}

export interface HealthHistory {
  /** The last reports, newest first. `createdAt` in ms since the epoch. */
  latest(
    limit: number,
  ): { createdAt: number; status: HealthReport["status"]; checks: Record<string, unknown> }[];
}
