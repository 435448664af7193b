import type { Clock, NewId } from "../clock.ts";
import type { Config } from "../settings.ts";
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
  /** Steps that take down what was built, run in reverse. */
  undo: (() => void | Promise<void>)[];
}
