import { Type } from "@sinclair/typebox";
import { CATALOGUE } from "../../errors.ts";
import { OUTCOMES } from "../../recording/row.ts";
import { LOG_LEVELS } from "../../telemetry/log.ts";
import {
  closed,
  count,
  hexId,
  name,
  oneOf,
  orNull,
  requestId,
  sha256,
  share,
  Timings,
  time,
  version,
} from "./schema-words.ts";

export const PredictionRecord = Type.Object(
  {
    prediction_id: hexId,
    created_at: time,
    request_id: requestId,
    model: Type.Object({ name, version, sha256 }, closed),
    image_count: count,
    image_digests: Type.Array(sha256, { description: "SHA-256 of the photographs that could be read." }),
    class_id: orNull(Type.String()),
    prob: orNull(share),
    confidence_status: orNull(oneOf(["HIGH", "MEDIUM", "LOW"])),
    outcome: oneOf(OUTCOMES),
    cached: Type.Boolean(),
    error: orNull(oneOf(Object.keys(CATALOGUE))),
    timings_ms: Timings,
    client_hash: Type.Optional(Type.String({ description: "For operators only." })),
  },
  closed,
);

export const PredictionPage = Type.Object(
  { predictions: Type.Array(PredictionRecord), next_cursor: orNull(Type.String()) },
  closed,
);

export const RateLimits = Type.Object(
  {
    enabled: Type.Boolean(),
    limits: Type.Array(
      Type.Object(
        {
          policy: Type.String(),
          limit: count,
          window_seconds: count,
          clients: count,
          admitted: count,
          refused: count,
          top_refused: Type.Array(Type.Object({ client_hash: Type.String(), refused: count }, closed)),
        },
        closed,
      ),
    ),
  },
  closed,
);

export const LogLevel = Type.Object(
  { level: oneOf(LOG_LEVELS), configured: oneOf(LOG_LEVELS), levels: Type.Array(oneOf(LOG_LEVELS)) },
  closed,
);

export const CacheStatistics = Type.Object(
  {
    enabled: Type.Boolean(),
    entries: count,
    bytes: count,
    max_bytes: count,
    hits: count,
    misses: count,
    shared: count,
    evictions: count,
    hit_rate: orNull(share),
  },
  closed,
);

const checks = Type.Record(
  Type.String(),
  Type.Object(
    {
      state: oneOf(["ok", "degraded", "unhealthy"]),
      figure: orNull(Type.Number()),
      unit: orNull(Type.String()),
      threshold: orNull(Type.Number({ description: "First figure that is not ok." })),
      reason: Type.Optional(oneOf(["failed", "timed_out"])),
    },
    closed,
  ),
);

export const Health = Type.Object(
  { status: oneOf(["ok", "draining"]), version: Type.String(), uptime_seconds: count },
  closed,
);
export const Live = Type.Object({ status: Type.Literal("ok") }, closed);
export const Ready = Type.Object(
  { status: oneOf(["ok", "degraded", "draining", "not_ready"]), ready: Type.Boolean() },
  closed,
);
export const HealthDetailed = Type.Object(
  {
    status: oneOf(["healthy", "degraded", "unhealthy"]),
    ready: Type.Boolean(),
    draining: Type.Boolean(),
    version: Type.String(),
    uptime_seconds: count,
    failing: Type.Array(Type.String(), { description: "Checks that are not ok." }),
    checks,
  },
  closed,
);
const amount = Type.Number({ minimum: 0 });

export const HealthMetrics = Type.Object(
  {
    process: Type.Object(
      {
        started_at: time,
        uptime_seconds: amount,
        cpu_user_seconds: amount,
        cpu_system_seconds: amount,
        resident_bytes: count,
        heap_bytes: count,
        open_files: orNull(count),
        open_files_limit: orNull(count),
        event_loop_delay_mean_ms: amount,
        event_loop_delay_max_ms: amount,
      },
      closed,
    ),
    system: Type.Object(
      {
        uptime_seconds: count,
        cores: Type.Integer({ minimum: 1 }),
        usable_cores: Type.Integer({ minimum: 1 }),
        load_average: Type.Array(amount, { minItems: 3, maxItems: 3 }),
        memory_total_bytes: count,
        memory_free_bytes: count,
        memory_limit_bytes: count,
        disk_total_bytes: orNull(count),
        disk_free_bytes: orNull(count),
      },
      closed,
    ),
    admission: Type.Object(
      {
        admitted_requests: count,
        held_bytes: count,
        waiting_images: count,
        waiting_limit_images: Type.Integer({ minimum: 1 }),
        wait_limit_ms: orNull(amount),
        in_flight_images: count,
        in_flight_limit_images: Type.Integer({ minimum: 1 }),
        in_flight_gradient: Type.Number({
          minimum: 0,
          maximum: 1,
          description: "Share of their time in flight that the last images were worked on; 1: nothing waits.",
        }),
        in_flight_baseline_ms: amount,
      },
      closed,
    ),
  },
  closed,
);

export const HealthHistory = Type.Object(
  {
    reports: Type.Array(
      Type.Object({ created_at: time, status: oneOf(["healthy", "degraded", "unhealthy"]), checks }, closed),
    ),
  },
  closed,
);
