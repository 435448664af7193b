import { Counter, Gauge, Rate, Trend } from "k6/metrics";
import { STAGES } from "../../stages.ts";

/** Requests by how they ended, in the only four ways there are. */
export const answers = {
  /** As the contract has it. */
  ok: new Counter("answers_ok"),
  /** 429. */
  limited: new Counter("answers_limited"),
  /** 503. */
  refused: new Counter("answers_refused"),
  /** Anything else, no connection and fallback answers among it. */
  failed: new Counter("answers_failed"),
};

/** Share of requests that did not end as the scenario expects. */
export const errors = new Rate("errors");
/** Share of requests that ended well. */
export const answered = new Rate("answered");
export const fallbackAnswers = new Counter("fallback_answers");
export const cacheHits = new Rate("cache_hits");
/** Time of good predictions, in ms: all of them, and by whether the cache had them. */
export const answerMs = new Trend("answer_ms", true);
export const hitMs = new Trend("hit_ms", true);
export const missMs = new Trend("miss_ms", true);
/** Time of good answers to everything else, in ms. */
export const readMs = new Trend("read_ms", true);
/** Time at each station, as `Server-Timing` has it, in ms. */
export const stageMs = new Map<string, Trend>(
  [...STAGES, "total"].map((stage) => [stage, new Trend(`stage_${stage}_ms`, true)]),
);
/** When the load began, in ms since 1970: k6 starts its clients first, which takes it seconds. */
export const startedAtMs = new Gauge("started_at_ms");
