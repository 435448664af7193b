import type { PhotographName } from "./photographs.ts";
import { type Cell, cellKey, HEADLINE, type Kind, type ModelName } from "./plan.ts";
import { median } from "./statistics.ts";

/** One measurement; null where the kind has no such figure. */
export interface Sample {
  /** Of all processes of the server, or of the loop, for each request. */
  cpuMs: number;
  perSecond: number;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  residentMb: number | null;
  /** Of the load generator, as a share of one core. */
  generatorCores: number | null;
  answers: number;
  failures: Record<string, number>;
}

export interface CellResult extends Cell {
  /** Medians over the rounds; failures added up. */
  median: Sample;
  /** By round. */
  samples: Sample[];
}

export function cellResult(cell: Cell, samples: Sample[]): CellResult {
  const of = (field: "cpuMs" | "perSecond" | "answers") => median(samples.map((sample) => sample[field]));
  const orNull = (field: "p50Ms" | "p95Ms" | "p99Ms" | "residentMb" | "generatorCores") => {
    const values = samples.map((sample) => sample[field]).filter((value) => value !== null);
    return values.length === 0 ? null : median(values);
  };
  const failures: Record<string, number> = {};
  for (const sample of samples) {
    for (const [kind, count] of Object.entries(sample.failures))
      failures[kind] = (failures[kind] ?? 0) + count;
  }
  return {
    ...cell,
    samples,
    median: {
      cpuMs: of("cpuMs"),
      perSecond: of("perSecond"),
      p50Ms: orNull("p50Ms"),
      p95Ms: orNull("p95Ms"),
      p99Ms: orNull("p99Ms"),
      residentMb: orNull("residentMb"),
      generatorCores: orNull("generatorCores"),
      answers: of("answers"),
      failures,
    },
  };
}

/** All cells of a run, found by what they are. */
export class Results {
  readonly cells: readonly CellResult[];
  readonly #byKey: ReadonlyMap<string, CellResult>;

  constructor(cells: readonly CellResult[]) {
    this.cells = cells;
    this.#byKey = new Map(cells.map((cell) => [cellKey(cell), cell]));
  }

  find(
    model: ModelName,
    photograph: PhotographName,
    kind: Kind,
    connections: number,
  ): CellResult | undefined {
    return this.#byKey.get(cellKey({ model, photograph, kind, connections }));
  }

  /** Pairs of model and photograph, in the order in which they were measured. */
  get pairs(): { model: ModelName; photograph: PhotographName }[] {
    const bare = this.cells.filter(({ kind }) => kind === "bare");
    return bare.map(({ model, photograph }) => ({ model, photograph }));
  }

  /** CPU time of the bare loop over the server's for a request: 1 would be a server that costs nothing. */
  bareRatio(model: ModelName, photograph: PhotographName, connections: number): number | null {
    const bare = this.find(model, photograph, "bare", 0);
    return pairedRatio(bare, this.find(model, photograph, "raw", connections), ({ cpuMs }) => cpuMs);
  }

  get failures(): number {
    const counts = this.cells.flatMap(({ median: { failures } }) => Object.values(failures));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** What the server promises, as far as it was measured. */
  get promises(): Promises {
    const { model, photograph, connections } = HEADLINE;
    const find = (kind: Kind, at: number) => this.find(model, photograph, kind, at);
    const raw = find("raw", connections);
    const steady = find("steady", 64);
    return {
      ratio: this.bareRatio(model, photograph, connections),
      multipartOverRaw: pairedRatio(find("multipart", connections), raw, ({ cpuMs }) => cpuMs),
      hitsOverMisses: pairedRatio(find("hits", connections), raw, ({ perSecond }) => perSecond),
      liveP99Ms: find("live", 64)?.median.p99Ms ?? null,
      steadyP99OverP50: pairedRatio(
        steady,
        steady,
        ({ p99Ms }) => p99Ms,
        ({ p50Ms }) => p50Ms,
      ),
    };
  }
}

export interface Promises {
  /** Bare over server CPU. */
  ratio: number | null;
  /** CPU for a form over CPU for a raw body. */
  multipartOverRaw: number | null;
  /** Requests a second. */
  hitsOverMisses: number | null;
  /** Of `/health/live` while the pool is saturated. */
  liveP99Ms: number | null;
  /** At 80% of the capacity. */
  steadyP99OverP50: number | null;
}

/** Median of the ratios round by round: what slows a whole round down cancels out. */
export function pairedRatio(
  over: CellResult | undefined,
  under: CellResult | undefined,
  figure: (sample: Sample) => number | null,
  underFigure = figure,
): number | null {
  if (!over || !under) return null;
  const ratios = over.samples.flatMap((sample, round) => {
    const [a, b] = [figure(sample), under.samples[round] && underFigure(under.samples[round])];
    return a == null || b == null ? [] : [a / b];
  });
  return ratios.length === 0 ? null : median(ratios);
}
