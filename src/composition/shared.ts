import type { Clock, NewId } from "../clock.ts";
import type { Config } from "../settings.ts";
import type { SupervisorLink } from "../supervisor/supervisor-link.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** What every part of the composition is given. */
export interface Shared {
  config: Config;
  clock: Clock;
  newId: NewId;
  /** Uniform in [0, 1). */
  random: () => number;
  log: Logger;
  metrics: Metrics;
  /** The line to the supervisor where this is one of several server processes; null where it is the only one. */
  several: SupervisorLink | null;
  /** Whether this process does what is done once for all of them. */
  isFirst: boolean;
  /** Steps that take down what was built, run in reverse. */
  undo: (() => void | Promise<void>)[];
}
