import { type Bench, measure, warmUp } from "./measure.ts";
import { type Cell, cellKey } from "./plan.ts";
import type { Progress } from "./progress.ts";
import { type CellResult, cellResult, type Sample } from "./results.ts";
import { median } from "./statistics.ts";

/** Fewer say nothing of how much they differ. */
const LEAST_ROUNDS = 3;

export interface RoundsOptions {
  rounds: number;
  /** No round is begun that would not end before this, by performance.now(); three are measured all the same. */
  endsAt: number | null;
  progress: Progress;
}

/**
 * Measures the cells round by round: each once in every round, so that whatever slows the machine down for a while
 * slows all of them.
 * @returns cells with equally many samples
 */
export async function runRounds(
  cells: readonly Cell[],
  bench: Omit<Bench, "capacity">,
  { rounds, endsAt, progress }: RoundsOptions,
): Promise<CellResult[]> {
  const samples = new Map<string, Sample[]>(cells.map((cell) => [cellKey(cell), []]));
  const capacity = (cell: Cell) => {
    const raw = cells.find(
      ({ kind, photograph, connections }) =>
        kind === "raw" && photograph === cell.photograph && connections === 16,
    );
    return median(samples.get(cellKey(raw!))!.map(({ perSecond }) => perSecond));
  };
  for (const cell of cells) {
    progress.note(`warming up: ${cellKey(cell)}`);
    await warmUp(cell, { ...bench, capacity });
  }
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now();
    for (const cell of cells) {
      progress.measuring(`round ${round + 1}/${rounds}: ${cellKey(cell)}`);
      samples.get(cellKey(cell))!.push(await measure(cell, { ...bench, capacity }));
      progress.measured();
    }
    const roundMs = performance.now() - startedAt;
    const isLate = endsAt !== null && performance.now() + roundMs > endsAt;
    if (isLate && round + 1 >= LEAST_ROUNDS) break;
  }
  return cells.map((cell) => cellResult(cell, samples.get(cellKey(cell))!));
}
