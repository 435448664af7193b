import type { CheckResult, CheckState, HealthMonitor, HealthReport } from "./monitor.ts";

/** One check that is in another state than the last time. */
export interface CheckChange extends CheckResult {
  check: string;
  was: CheckState;
}

/** What runs the checks from time to time, keeps what they found, and says what changed. */
export class HealthWatch {
  readonly #monitor: Pick<HealthMonitor, "report">;
  readonly #keep: (report: HealthReport) => void;
  readonly #onChange: (change: CheckChange) => void;
  readonly #states = new Map<string, CheckState>();

  /**
   * @param options.keep stores a report; may throw
   * @param options.onChange told of each check that changed its state; before the first report all count as ok
   */
  constructor(options: {
    monitor: Pick<HealthMonitor, "report">;
    keep: (report: HealthReport) => void;
    onChange: (change: CheckChange) => void;
  }) {
    this.#monitor = options.monitor;
    this.#keep = options.keep;
    this.#onChange = options.onChange;
  }

  /** One round. @throws what `keep` throws, after the changes were told */
  async run(): Promise<void> {
    const report = await this.#monitor.report();
    for (const [check, result] of Object.entries(report.checks)) {
      const was = this.#states.get(check) ?? "ok";
      this.#states.set(check, result.state);
      if (result.state !== was) this.#onChange({ check, was, ...result });
    }
    this.#keep(report);
  }
}
