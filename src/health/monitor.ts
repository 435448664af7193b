import type { Clock } from "../clock.ts";

export type CheckState = "ok" | "degraded" | "unhealthy";

/** What one check found. `threshold` is the first figure that is no longer ok, in the same unit. */
export interface CheckResult {
  state: CheckState;
  figure: number | null;
  unit: string | null;
  threshold: number | null;
  /** Why there is no figure; absent where there is one. */
  reason?: "failed" | "timed_out";
}

export interface HealthCheck {
  /**
   * Whether the server cannot answer predictions without it. Trouble elsewhere (a database, a full disk) is
   * reported, but never takes the server out of service.
   */
  vital: boolean;
  /** What is told when the check itself fails and there is no figure; null where a threshold is not fixed. */
  unit: string;
  threshold: number | null;
  /** May throw: then the check is unhealthy. */
  run(): CheckResult | Promise<CheckResult>;
}

export interface HealthReport {
  /** Unhealthy only when something vital is. */
  status: "healthy" | "degraded" | "unhealthy";
  ready: boolean;
  draining: boolean;
  /** Names of the checks that are not ok. */
  failing: string[];
  checks: Record<string, CheckResult>;
}

export interface Readiness {
  ready: boolean;
  status: "ok" | "degraded" | "draining" | "not_ready";
}

/** A report is shown to everyone who asks within this time: probes may come as often as they like. */
const KEPT_MS = 1000;
/** A check that takes longer is unhealthy, and is not waited for. */
const CHECK_TIMEOUT_MS = 2000;

export class HealthMonitor {
  readonly #checks: Readonly<Record<string, HealthCheck>>;
  readonly #isReady: () => boolean;
  readonly #isDraining: () => boolean;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #latest: Record<string, CheckResult> | null = null;
  #kept: { checks: Promise<Record<string, CheckResult>>; until: number } | null = null;

  /**
   * @param options.isReady whether a warm worker can answer for the default model
   * @param options.isDraining whether the server is about to stop
   */
  constructor(options: {
    checks: Readonly<Record<string, HealthCheck>>;
    isReady: () => boolean;
    isDraining: () => boolean;
    clock: Clock;
  }) {
    this.#checks = options.checks;
    this.#isReady = options.isReady;
    this.#isDraining = options.isDraining;
    this.#clock = options.clock;
    this.#startedAt = options.clock.now();
  }

  get uptimeMs(): number {
    return this.#clock.now() - this.#startedAt;
  }

  get draining(): boolean {
    return this.#isDraining();
  }

  /** Whether to send requests here, at this instant. */
  get ready(): boolean {
    return !this.#isDraining() && this.#isReady();
  }

  /** What the checks found when they last ran, however long ago; null before the first time. */
  get latest(): Readonly<Record<string, CheckResult>> | null {
    return this.#latest;
  }

  /** Whether to send requests here. Draining and readiness are of this instant, the rest at most 1 s old. */
  async readiness(): Promise<Readiness> {
    if (this.#isDraining()) return { ready: false, status: "draining" };
    if (!this.#isReady()) return { ready: false, status: "not_ready" };
    const checks = Object.values(await this.#results());
    return { ready: true, status: checks.every(({ state }) => state === "ok") ? "ok" : "degraded" };
  }

  async report(): Promise<HealthReport> {
    const checks = await this.#results();
    const draining = this.#isDraining();
    const isUnhealthy = Object.entries(checks).some(
      ([name, { state }]) => state === "unhealthy" && this.#checks[name]!.vital,
    );
    const failing = Object.keys(checks).filter((name) => checks[name]!.state !== "ok");
    const status = isUnhealthy ? "unhealthy" : failing.length === 0 ? "healthy" : "degraded";
    return { status, ready: this.ready, draining, failing, checks };
  }

  #results(): Promise<Record<string, CheckResult>> {
    const now = this.#clock.now();
    if (this.#kept === null || now >= this.#kept.until) {
      this.#kept = { checks: this.#runAll(), until: now + KEPT_MS };
    }
    return this.#kept.checks;
  }

  async #runAll(): Promise<Record<string, CheckResult>> {
    const names = Object.keys(this.#checks);
    const results = await Promise.all(names.map((name) => this.#runOne(this.#checks[name]!)));
    this.#latest = Object.fromEntries(names.map((name, index) => [name, results[index]!]));
    return this.#latest;
  }

  async #runOne(check: HealthCheck): Promise<CheckResult> {
    const { promise: late, resolve } = Promise.withResolvers<CheckResult>();
    const cancel = this.#clock.after(CHECK_TIMEOUT_MS, () => resolve(untold(check, "timed_out")));
    try {
      return await Promise.race([check.run(), late]);
    } catch {
      return untold(check, "failed");
    } finally {
      cancel();
    }
  }
}

function untold({ unit, threshold }: HealthCheck, reason: "failed" | "timed_out"): CheckResult {
  return { state: "unhealthy", figure: null, unit, threshold, reason };
}
