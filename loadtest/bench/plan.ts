import { PHOTOGRAPH_NAMES, type PhotographName } from "./photographs.ts";

/** The model that the product comes with, and the networks that stand for other sizes. */
export const MODEL_NAMES = ["leaf-disease", "mobilenet_v3_small", "mobilenet_v2", "resnet50"] as const;
export type ModelName = (typeof MODEL_NAMES)[number];

/**
 * What is measured, each beside the others in every round:
 * - `bare`: decode and infer in a loop, one for each core at once, no server
 * - `raw`, `multipart`: the server, its cache off, the photograph as the body or as a form's field
 * - `hits`: the server's cache, every answer in it
 * - `steady`: requests evenly spaced at 80% of what `raw` came to
 * - `live`: `/health/live`, asked 100 times a second while `raw` saturates the pool
 */
export type Kind = "bare" | "raw" | "multipart" | "hits" | "steady" | "live";

export interface Cell {
  model: ModelName;
  photograph: PhotographName;
  kind: Kind;
  /** 0 for `bare`. */
  connections: number;
  /** How long one measurement takes, without what is under way at its end. */
  seconds: number;
}

export interface Scope {
  models: readonly ModelName[];
  photographs: readonly PhotographName[];
  connections: readonly number[];
  /** Of one measurement; null: as the plan has it. */
  seconds: number | null;
  /** Whether `steady` and `live` are measured, too. */
  latency: boolean;
}

export const FULL_SCOPE: Scope = {
  models: MODEL_NAMES,
  photographs: PHOTOGRAPH_NAMES,
  connections: [1, 16, 64],
  seconds: null,
  latency: true,
};
export const QUICK_SCOPE: Scope = {
  models: ["mobilenet_v3_small"],
  photographs: ["256x256"],
  connections: [16],
  seconds: null,
  latency: false,
};

export const OPTIMIZED_SCOPE: Scope = { ...QUICK_SCOPE, models: ["mobilenet_v2", "resnet50"] };

/** What `ratio` at the top of the JSON is about, and the ratios that are promised. */
export const HEADLINE = { model: "mobilenet_v3_small", photograph: "256x256", connections: 16 } as const;

const SECONDS: Record<Kind, number> = { bare: 0.8, raw: 0.9, multipart: 0.9, hits: 0.4, steady: 3, live: 2 };
/** A scope of so few cells has time to look longer at each. */
const FEW_CELLS = 12;
/** By how much longer slow networks are measured, so that a measurement holds some dozens of answers. */
const SLOWER: Partial<Record<ModelName, number>> = { resnet50: 2 };

/** The cells of one model, in the order in which each round measures them. */
export function cellsOf(model: ModelName, scope: Scope): Cell[] {
  const cells: Cell[] = [];
  const add = (photograph: PhotographName, kind: Kind, connections: number) => {
    const seconds = scope.seconds ?? SECONDS[kind] * (kind === "hits" ? 1 : (SLOWER[model] ?? 1));
    cells.push({ model, photograph, kind, connections, seconds });
  };
  for (const photograph of scope.photographs) {
    add(photograph, "bare", 0);
    for (const connections of scope.connections) {
      for (const kind of ["raw", "multipart", "hits"] as const) add(photograph, kind, connections);
    }
    const isHeadline = model === HEADLINE.model && photograph === HEADLINE.photograph;
    if (scope.latency && isHeadline && scope.connections.includes(HEADLINE.connections)) {
      add(photograph, "steady", 64);
      add(photograph, "live", 64);
    }
  }
  if (scope.seconds === null && cells.length <= FEW_CELLS) for (const cell of cells) cell.seconds *= 1.5;
  return cells;
}

export function cellKey({ model, photograph, kind, connections }: Omit<Cell, "seconds">): string {
  return `${model} ${photograph} ${kind} ${connections}`;
}
