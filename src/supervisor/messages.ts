import type { Allowance, PolicyStatistics } from "../admission/rate-limit.ts";
import type { LogLevel } from "../telemetry/log.ts";
import type { MetricSnapshot } from "../telemetry/merge-metrics.ts";
import type { EndReason } from "./run.ts";

/** Everything that passes between the supervisor and its server processes. JSON; both ends are of one release. */

/** What a server process may ask, each with what it tells and what it is answered. */
export interface Questions {
  /** The limits of all processes together, as `RateLimit` has them. */
  take: { asked: { policy: string; clientKey: string }; answer: Allowance };
  peek: { asked: { policy: string; clientKey: string }; answer: Allowance };
  /** With client keys in the place of their hashes: the supervisor has no secret. */
  limits: { asked: null; answer: PolicyStatistics[] };
  /** Told are the asker's own metrics, answered those of all processes. */
  metrics: { asked: MetricSnapshot[]; answer: MetricSnapshot[] };
  processes: { asked: null; answer: ProcessFigures };
}

export interface ProcessFigures {
  /** How many server processes are in each state; `ended`: they wait for their restart. */
  states: Record<"ready" | "starting" | "ended", number>;
  /** Since the start of the supervisor, by how the run before ended. */
  restarts: Record<EndReason, number>;
  /** Of the supervisor itself. */
  residentBytes: number;
}

/** What an operator told one process and all of them do. */
export type Order =
  | { kind: "log_level"; level: LogLevel }
  /** `model`: "name/version"; null: everything. */
  | { kind: "clear_cache"; model: string | null };

/** From a server process. */
export type FromProcess =
  /** Models are warm and the port is open. */
  | { kind: "ready"; models: string[] }
  /** The answer to a ping, from the loop that serves, and only while the worker pool gets anywhere. */
  | { kind: "alive" }
  | { kind: "question"; id: number; about: keyof Questions; asked: unknown }
  /** What `collect` asked for; `id` null: unasked, the last before it ends. */
  | { kind: "collected"; id: number | null; metrics: MetricSnapshot[] }
  /** For the other processes. */
  | { kind: "order"; order: Order };

/** To a server process. */
export type ToProcess =
  | { kind: "ping" }
  | { kind: "answer"; id: number; answer: unknown }
  | { kind: "failure"; id: number; message: string }
  | { kind: "collect"; id: number }
  | { kind: "order"; order: Order };
