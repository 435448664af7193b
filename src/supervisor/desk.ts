import type { RateLimit } from "../admission/rate-limit.ts";
import type { MetricSnapshot } from "../telemetry/merge-metrics.ts";
import type { ProcessFigures, Questions } from "./messages.ts";

export interface DeskOptions {
  /** Names clients by their keys. */
  rateLimit: RateLimit;
  /** Those of all processes, `own` being those of the one that asks. */
  gather(askedBy: number, own: MetricSnapshot[]): Promise<MetricSnapshot[]>;
  processes(): ProcessFigures;
}

/** Where the supervisor answers what its server processes ask. */
export class Desk {
  readonly #answers: {
    [About in keyof Questions]: (
      asked: Questions[About]["asked"],
      askedBy: number,
    ) => Questions[About]["answer"] | Promise<Questions[About]["answer"]>;
  };

  constructor({ rateLimit, gather, processes }: DeskOptions) {
    this.#answers = {
      take: ({ policy, clientKey }) => rateLimit.take(policy, clientKey),
      peek: ({ policy, clientKey }) => rateLimit.peek(policy, clientKey),
      limits: () => rateLimit.statistics(),
      metrics: (own, askedBy) => gather(askedBy, own),
      processes,
    };
  }

  /** @throws what the question's answer throws, such as for a policy that nobody declared */
  async answer(about: keyof Questions, asked: unknown, askedBy: number): Promise<unknown> {
    // Both ends are of one release: what is told fits what is asked about.
    const answer = this.#answers[about] as (asked: unknown, askedBy: number) => unknown;
    return answer(asked, askedBy);
  }
}
