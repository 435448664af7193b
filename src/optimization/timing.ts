import type { ImageTensor } from "../inference/image.ts";
import type { Model } from "../model-repository/manifest.ts";
import { median, pairedRatio } from "./statistics.ts";
import { inBatches, Stopwatch, variant } from "./stopwatch.ts";

/** Both versions in turn on one core, `rows` photographs at a time. Milliseconds of the network for one photograph. */
export interface TimedBatch {
  rows: number;
  sourceMs: number;
  madeMs: number;
  /** Median of the rounds' own ratios, source over made. */
  speedup: number;
  rounds: number;
}

/**
 * Times two versions in one thread, in turn.
 * @param batches sizes that both graphs take
 * @param seconds about how long, for each size
 */
export async function timeVersions(
  source: Model,
  made: Model,
  images: readonly ImageTensor[],
  { batches, seconds }: { batches: readonly number[]; seconds: number },
): Promise<TimedBatch[]> {
  const timed: TimedBatch[] = [];
  for (const rows of batches) {
    const versions = [variant(source, "source", {}), variant(made, "made", {})].map((model) =>
      inBatches(model, rows),
    );
    await using stopwatch = await Stopwatch.open(versions, images);
    const [sourceMs, madeMs] = (await stopwatch.interleaved(versions, seconds)) as [number[], number[]];
    timed.push({
      rows,
      sourceMs: median(sourceMs),
      madeMs: median(madeMs),
      speedup: pairedRatio(sourceMs, madeMs),
      rounds: sourceMs.length,
    });
  }
  return timed;
}
