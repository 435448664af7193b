import { atLeast, atMost, type Demand, none } from "../demands.ts";
import type { OverloadFigures } from "./measure.ts";

export interface Bounds {
  /** So many times the peak must have been asked. */
  asked: number;
  /** Least share of the peak that must still be answered. */
  goodputShare: number;
  /** Most of a core that the load generator may take; null: whatever it takes. */
  generatorCores: number | null;
  /** Whether times are held to account. */
  timed: boolean;
}

export const STRICT: Bounds = { asked: 9, goodputShare: 0.9, generatorCores: 0.15, timed: true };
/** Where others use the machine, too. */
export const LOOSE: Bounds = { asked: 5, goodputShare: 0.7, generatorCores: null, timed: false };

/** So much more than before the overload's p99 may be afterwards and still count as the same: they are few. */
const SAME_P99 = 1.25;

/** What is asked, and whether it was met. */
export function demands(figures: OverloadFigures, bounds: Bounds): Demand[] {
  const { overload, recovered, peak, goodputPerSecond, offeredPerSecond, server } = figures;
  const share = goodputPerSecond / peak.perSecond;
  const list: Demand[] = [
    atLeast("asked, times the peak", offeredPerSecond / peak.perSecond, bounds.asked),
    atLeast("goodput, share of the peak", share, bounds.goodputShare),
    none("answers that are neither 200 nor 503", overload.wrong + recovered.wrong),
    none("fallback answers", overload.fallback + recovered.fallback),
    none("503 without Retry-After", overload.noRetryAfter + recovered.noRetryAfter),
    atLeast("503 while overloaded", overload.refused, 1),
    none("503 from 2 s after the end on", recovered.refused),
    atLeast("200 from 2 s after the end on", recovered.served, 1),
  ];
  if (bounds.generatorCores !== null)
    list.push(atMost("load generator, cores", overload.generatorCores, bounds.generatorCores));
  if (!bounds.timed) return list;
  const p99 = figures.unloadedMs.p99;
  return [
    ...list,
    atMost("p99 of the served, ms", overload.servedMs?.p99 ?? Infinity, 2 * p99 + server.queueWaitMs),
    atMost("p99 from 2 s after the end on, ms", recovered.servedMs?.p99 ?? Infinity, SAME_P99 * p99),
  ];
}
