import type { Random } from "../system/random.ts";

/** What can be done to a server under load; each is explained where it is done, in `faults.ts`. */
export const FAULTS = [
  "kill the process",
  "crash in native code",
  "wedge a worker",
  "fail in a worker",
  "fill the disk",
  "lock the database",
  "cut uploads",
] as const;

export type FaultName = (typeof FAULTS)[number];

export interface PlannedFault {
  fault: FaultName;
  /** Calm before it, after the server has recovered from the one before. */
  calmMs: number;
}

const CALM_MS = { from: 2000, to: 5000 };

/**
 * Faults without an end, the same for the same seed: each round has every one of them, in an order of its own.
 * @param only these, in their order, instead of all
 */
export function* plan(random: Random, only: readonly FaultName[] = FAULTS): Generator<PlannedFault, never> {
  for (;;) {
    const round = [...only];
    while (round.length > 0) {
      const [fault] = round.splice(random.whole(0, round.length), 1);
      yield { fault: fault!, calmMs: random.whole(CALM_MS.from, CALM_MS.to) };
    }
  }
}
