import { ManualClock } from "../../test/manual-clock.ts";
import type { RateLimitPolicy } from "../admission/rate-limit.ts";
import { SlidingWindowRateLimit } from "../admission/sliding-window.ts";
import { Desk } from "./desk.ts";
import type { FromProcess, ToProcess } from "./messages.ts";

/** A process with nothing but desks in it, each with limits and a clock of its own, which the asker sets. */
export type ToDesk =
  | { open: number; policies: readonly RateLimitPolicy[]; now: number }
  | { desk: number; now: number; message: FromProcess };
export type FromDesk = { desk: number; message: ToProcess };

const desks = new Map<number, { desk: Desk; clock: ManualClock }>();

async function hear(given: ToDesk): Promise<void> {
  if ("open" in given) {
    const clock = new ManualClock(given.now);
    const { policies } = given;
    const about = { enabled: true, clientsMax: 1000, clock, hashClient: (key: string) => key };
    const desk = new Desk({
      rateLimit: new SlidingWindowRateLimit({ ...about, policies }),
      gather: async (_, own) => own,
      processes: () => ({
        states: { ready: 1, starting: 0, ended: 0 },
        restarts: { exited: 0, killed: 0, silent: 0, start_timeout: 0 },
        residentBytes: 0,
      }),
    });
    desks.set(given.open, { desk, clock });
    return;
  }
  const { desk, clock } = desks.get(given.desk)!;
  const { message } = given;
  if (message.kind !== "question") return;
  clock.advance(given.now - clock.now());
  const { id, about, asked } = message;
  const reply = await desk.answer(about, asked, 1).then(
    (answer): ToProcess => ({ kind: "answer", id, answer }),
    (error: Error): ToProcess => ({ kind: "failure", id, message: error.message }),
  );
  process.send?.({ desk: given.desk, message: reply } satisfies FromDesk);
}

process.on("message", (given: ToDesk) => void hear(given));
process.on("disconnect", () => process.exit());
