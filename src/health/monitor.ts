import type { Clock } from "../clock.ts";

export type CheckState = "ok" | "degraded" | "unhealthy";

/** What one check found. `threshold` is the first figure that is no longer ok, in the same unit. */
export interface CheckResult {
  state: CheckState;
  figure: number | null;
  unit: string | null;
  threshold: number | null;
}

export interface HealthCheck {
  /**
   * Whether the server cannot answer predictions without it. Trouble elsewhere (a database, a full disk) is
   * reported, but never takes the server out of service.
   */
  vital: boolean;
  /** May throw: then the check is unhealthy. */
  run(): CheckResult | Promise<CheckResult>;
}

export interface HealthReport {
  /** Unhealthy only when something vital is. */
  status: "healthy" | "degraded" | "unhealthy";
  ready: boolean;
  draining: boolean;
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
    const isOk = Object.values(checks).every(({ state }) => state === "ok");
    const status = isUnhealthy ? "unhealthy" : isOk ? "healthy" : "degraded";
    return { status, ready: !draining && this.#isReady(), draining, checks };
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
    return Object.fromEntries(names.map((name, index) => [name, results[index]!]));
  }

  async #runOne(check: HealthCheck): Promise<CheckResult> {
    const { promise: late, resolve } = Promise.withResolvers<CheckResult>();
    const cancel = this.#clock.after(CHECK_TIMEOUT_MS, () => resolve(FAILED));
    try {
      return await Promise.race([check.run(), late]);
    } catch {
      return FAILED;
    } finally {
      cancel();
    }
  }
}

const FAILED: CheckResult = { state: "unhealthy", figure: null, unit: null, threshold: null };
