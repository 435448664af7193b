import exec from "k6/execution";
import type { Scenario as Executor, Options } from "k6/options";
import { PROBES, type Profile, SCENARIOS, type Scenario, type ScenarioName } from "../../catalogue.ts";
import { thresholdsOf } from "../../thresholds.ts";
import { errors, startedAtMs } from "./figures.ts";
import { seriesAt } from "./series.ts";

/** Where the server is, and what the runner says of this run; a script that k6 runs by itself has defaults. */
export const BASE_URL = (__ENV.BASE_URL || "http://127.0.0.1:8080").replace(/\/+$/, "");
export const OPERATOR_TOKEN = __ENV.OPERATOR_TOKEN || "";

/** Requests a second; only a guess where nobody has measured it. */
const CAPACITY = Number(__ENV.CAPACITY || 100);
const SHARE = Number(__ENV.SHARE || 1);
const STRICT = __ENV.STRICT === "1";

const TREND_STATS = ["avg", "min", "med", "max", "p(50)", "p(90)", "p(95)", "p(99)", "count"];
const PROBES_PER_SECOND = 5;
const BY_PART = ["answer_ms", "read_ms", "answered"];

/** One run of a scenario: its k6 options, and what every iteration of it has. */
export class Run {
  readonly scenario: Scenario;
  readonly #name: string;
  readonly #seconds: number;

  constructor(name: ScenarioName) {
    this.#name = name;
    this.scenario = SCENARIOS[name];
    this.#seconds = Number(__ENV.DURATION || this.scenario.seconds);
  }

  /**
   * @param executors k6 scenarios by name; by default one that offers what the profile says
   */
  options(executors?: Record<string, Executor>): Options {
    const thresholds = thresholdsOf(this.#name, this.scenario, {
      capacity: CAPACITY,
      share: SHARE,
      strict: STRICT,
    });
    // A threshold without conditions makes k6 keep the figures of a tag.
    for (const [, name] of this.scenario.parts)
      for (const metric of BY_PART) thresholds[`${metric}{part:${name}}`] ??= [];
    return {
      scenarios: { ...(executors ?? { offered: this.offered() }), ...this.#probes() },
      thresholds,
      summaryTrendStats: TREND_STATS,
      discardResponseBodies: false,
      noConnectionReuse: false,
    };
  }

  /**
   * An open model: requests start when they are due, whether or not the earlier ones are answered.
   * @param share of the offered load that this executor has
   * @param users of the scenario's clients that it has
   */
  offered(share = 1, users = this.scenario.users): Executor {
    const profile: Profile = this.scenario.profile ?? [];
    // Per minute: the rates are whole numbers, and a slow machine has few a second.
    const perMinute = (load: number) => Math.max(1, Math.round(CAPACITY * load * share * 60));
    return {
      executor: "ramping-arrival-rate",
      timeUnit: "1m",
      startRate: perMinute(profile[0]![1]),
      stages: profile.slice(1).map(([at, load], i) => ({
        duration: `${Math.round((at - profile[i]![0]) * this.#seconds * 1000)}ms`,
        target: perMinute(load),
      })),
      preAllocatedVUs: users,
      maxVUs: users,
      gracefulStop: "15s",
    };
  }

  /** A script of a scenario with probes exports what one does as `probe`. */
  #probes(): Record<string, Executor> {
    if (!this.scenario.parts.includes(PROBES)) return {};
    return {
      probes: {
        executor: "constant-arrival-rate",
        exec: "probe",
        rate: PROBES_PER_SECOND,
        duration: `${this.#seconds}s`,
        preAllocatedVUs: PROBES_PER_SECOND,
      },
    };
  }

  /**
   * One iteration. What it throws counts as an error, which k6 by itself would only log.
   * @param part that its requests belong to; by default the one that the catalogue has for this moment
   */
  iteration(body: () => void, part?: string): void {
    const sinceStartMs = exec.instance.currentTestRunDuration;
    if (exec.vu.iterationInInstance === 0) startedAtMs.add(Date.now() - sinceStartMs);
    const at = sinceStartMs / (this.#seconds * 1000);
    const name = part ?? this.scenario.parts.findLast(([from]) => from !== null && at >= from)?.[1];
    if (name !== undefined) exec.vu.metrics.tags.part = name;
    seriesAt(at);
    try {
      body();
    } catch (thrown) {
      errors.add(true);
      throw thrown;
    }
  }
}
