import type { RateLimit } from "../admission/rate-limit.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../telemetry/log.ts";
import { Desk } from "./desk.ts";
import type { FromProcess, Order, ProcessFigures } from "./messages.ts";
import { MetricsLedger } from "./metrics-ledger.ts";
import type { Run } from "./run.ts";

export interface SwitchboardOptions {
  /** Those that serve now. */
  ready(): readonly Run[];
  /** The limits of all of them together; it names clients by their keys. */
  rateLimit: RateLimit;
  figures(): ProcessFigures;
  clock: Clock;
  log: Logger;
}

/** What server processes say, to the supervisor and to each other. */
export class Switchboard {
  readonly #options: SwitchboardOptions;
  readonly #ledger: MetricsLedger;
  readonly #desk: Desk;
  /** The last one, for processes that start later. */
  #logLevel: Order | null = null;

  constructor(options: SwitchboardOptions) {
    this.#options = options;
    const { ready, rateLimit, figures, clock } = options;
    this.#ledger = new MetricsLedger({
      clock,
      pids: () => ready().map(({ pid }) => pid),
      collect: (pid, id) =>
        ready()
          .find((run) => run.pid === pid)
          ?.send({ kind: "collect", id }) ?? false,
    });
    this.#desk = new Desk({
      rateLimit,
      gather: (askedBy, own) => this.#ledger.gather(askedBy, own),
      processes: figures,
    });
  }

  hear(from: Run, message: FromProcess): void {
    switch (message.kind) {
      case "ready":
        if (this.#logLevel !== null) from.send({ kind: "order", order: this.#logLevel });
        break;
      case "question":
        void this.#answer(from, message);
        break;
      case "collected":
        this.#ledger.collected(from.pid, message.id, message.metrics);
        break;
      case "order":
        this.#passOn(from, message.order);
        break;
    }
  }

  ended({ pid }: Run): void {
    this.#ledger.end(pid);
  }

  async #answer(from: Run, { id, about, asked }: FromProcess & { kind: "question" }): Promise<void> {
    try {
      from.send({ kind: "answer", id, answer: await this.#desk.answer(about, asked, from.pid) });
    } catch (error) {
      from.send({ kind: "failure", id, message: error instanceof Error ? error.message : String(error) });
    }
  }

  #passOn(from: Run, order: Order): void {
    const { ready, log } = this.#options;
    if (order.kind === "log_level") {
      this.#logLevel = order;
      log.level = order.level;
    }
    for (const run of ready()) if (run !== from) run.send({ kind: "order", order });
  }
}
