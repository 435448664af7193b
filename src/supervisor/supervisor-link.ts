import type { Clock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import type { MetricSnapshot } from "../telemetry/merge-metrics.ts";
import { type ProcessIdentity, readIdentity } from "./identity.ts";
import type { FromProcess, Order, Questions, ToProcess } from "./messages.ts";

/** Past it the supervisor is taken for gone or stuck; an answer takes less than a millisecond. */
const ANSWER_TIMEOUT_MS = 1000;

/** @throws PinholeError OVERLOADED when no answer comes; Error where the question was a mistake */
export type Ask = <About extends keyof Questions>(
  about: About,
  asked: Questions[About]["asked"],
) => Promise<Questions[About]["answer"]>;

/** What the supervisor may want of a process that serves. */
export interface LinkedProcess {
  /** Whether the process gets anywhere: asked before each sign of life. */
  isWorking(): boolean;
  metrics(): Promise<MetricSnapshot[]>;
  /** Does what an operator told another process. */
  obey(order: Order): void;
}

/** The end of a line: this process's own, or another's in a test. */
export interface Channel {
  /** False where nobody is at the other end. */
  send(message: FromProcess): boolean;
  onMessage(listener: (message: ToProcess) => void): void;
  onGone(listener: () => void): void;
}

/** A server process's end of the line to its supervisor. */
export class SupervisorLink {
  readonly identity: ProcessIdentity;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #process: LinkedProcess | null = null;
  #asked = 0;
  #unanswered = 0;
  #onGone: () => void = () => process.exit(EXIT.failed);

  /** Null where this process was started without a supervisor. */
  static open(clock: Clock): SupervisorLink | null {
    const channel = ownChannel();
    return channel === null ? null : new SupervisorLink(channel, readIdentity(process.argv), clock);
  }

  constructor(channel: Channel, identity: ProcessIdentity, clock: Clock) {
    this.identity = identity;
    this.#channel = channel;
    this.#clock = clock;
    channel.onMessage((message) => this.#hear(message));
    channel.onGone(() => this.#onGone());
  }

  /** Questions that were not answered in time. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /**
   * @param listener told when the supervisor has died: nobody would start this process again, and another supervisor
   * wants its port. Until there is one, the process ends at once.
   */
  onGone(listener: () => void): void {
    this.#onGone = listener;
  }

  /** Models are warm and the port is open. */
  ready(models: string[], linked: LinkedProcess): void {
    this.#process = linked;
    this.#channel.send({ kind: "ready", models });
  }

  /** What it has counted up to its end; without it, what came after the last scrape would be lost. */
  async leave(): Promise<void> {
    if (this.#process === null) return;
    this.#channel.send({ kind: "collected", id: null, metrics: await this.#process.metrics() });
  }

  /** Has the other processes do what this one was told. */
  order(order: Order): void {
    this.#channel.send({ kind: "order", order });
  }

  readonly ask: Ask = async (about, asked) => {
    const id = ++this.#asked;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    const late = () => {
      this.#unanswered++;
      waiting.reject(unanswered(about));
    };
    const cancel = this.#clock.after(ANSWER_TIMEOUT_MS, late);
    try {
      if (!this.#channel.send({ kind: "question", id, about, asked })) late();
      return (await waiting.promise) as never;
    } finally {
      cancel();
      this.#waiting.delete(id);
    }
  };

  #hear(message: ToProcess): void {
    switch (message.kind) {
      case "ping":
        if (this.#process?.isWorking()) this.#channel.send({ kind: "alive" });
        break;
      case "answer":
        this.#waiting.get(message.id)?.resolve(message.answer);
        break;
      case "failure":
        this.#waiting.get(message.id)?.reject(new Error(message.message));
        break;
      case "collect":
        void this.#process
          ?.metrics()
          .then((metrics) => this.#channel.send({ kind: "collected", id: message.id, metrics }));
        break;
      case "order":
        this.#process?.obey(message.order);
        break;
    }
  }
}

function unanswered(about: string): PinholeError {
  return new PinholeError("OVERLOADED", "A part of the server does not answer at the moment; try again.", {
    members: { retry_after_seconds: 1 },
    cause: `the supervisor was asked for ${about}`,
  });
}

function ownChannel(): Channel | null {
  if (process.send === undefined) return null;
  const send = process.send.bind(process);
  return {
    send(message) {
      if (process.connected) send(message);
      return process.connected;
    },
    onMessage: (listener) => void process.on("message", listener),
    onGone: (listener) => void process.on("disconnect", listener),
  };
}
