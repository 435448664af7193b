import { type Clock, every } from "../clock.ts";
import { identityArguments, type ProcessIdentity } from "./identity.ts";
import type { FromProcess, ToProcess } from "./messages.ts";

/** Pings that may stay unanswered within `silentMs`. Counted rather than timed: a machine that slept kills nobody. */
const PINGS = 4;

export interface RunOptions {
  /** What is executed, without the arguments that tell who it is. */
  command: readonly string[];
  /** A process that is ready and answers no ping for so long is killed. */
  silentMs: number;
  /** One that is not ready so long after its start is killed. */
  startTimeoutMs: number;
  /** One that was told to stop and is still there after so long is killed. */
  stopTimeoutMs: number;
  clock: Clock;
  onReady(run: Run, models: readonly string[]): void;
  /** Told of every message, after `onReady`. */
  onMessage(run: Run, message: FromProcess): void;
  onEnd(run: Run, end: RunEnd): void;
}

export type EndReason = "exited" | "killed" | "silent" | "start_timeout";

/** How a run ended. */
export interface RunEnd {
  /** 128 and the signal's number where a signal ended it. */
  code: number;
  signal: NodeJS.Signals | null;
  /** `silent` and `start_timeout`: it was killed from here for that. */
  reason: EndReason;
  wasReady: boolean;
  /** Whether it was told to stop. */
  wasTold: boolean;
  servedMs: number;
}

/** A server process from its start to its end. */
export class Run {
  readonly identity: ProcessIdentity;
  /** Resolves when it is ready, with true, or has ended without having been. */
  readonly started: Promise<boolean>;
  readonly ended: Promise<void>;
  readonly #options: RunOptions;
  readonly #child: Bun.Subprocess;
  readonly #started = Promise.withResolvers<boolean>();
  readonly #cancels: (() => void)[];
  #readyAt: number | null = null;
  #unanswered = 0;
  #killedFor: EndReason | null = null;
  #told = false;

  constructor(identity: ProcessIdentity, options: RunOptions) {
    this.identity = identity;
    this.#options = options;
    const { command, clock, silentMs, startTimeoutMs } = options;
    this.#child = Bun.spawn([...command, ...identityArguments(identity)], {
      // A session of its own: what a terminal sends to its foreground reaches it through the supervisor, once.
      detached: true,
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "json",
      ipc: (message: FromProcess) => this.#hear(message),
    });
    this.#cancels = [
      every(clock, silentMs / PINGS, () => this.#ping()),
      clock.after(startTimeoutMs, () => {
        if (!this.isReady) this.#killFor("start_timeout");
      }),
    ];
    this.started = this.#started.promise;
    this.ended = this.#child.exited.then((code) => this.#end(code));
  }

  get pid(): number {
    return this.#child.pid;
  }

  get isReady(): boolean {
    return this.#readyAt !== null;
  }

  /** @returns false where it has ended */
  send(message: ToProcess): boolean {
    try {
      this.#child.send(message);
      return true;
    } catch {
      // Its end is told by `exited`.
      return false;
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Has it drain and end. Once it was told, another time says nothing new to it. */
  stop(signal: "SIGTERM" | "SIGINT"): void {
    if (this.#told) return;
    this.#told = true;
    this.#child.kill(signal);
    const { clock, stopTimeoutMs } = this.#options;
    this.#cancels.push(clock.after(stopTimeoutMs, () => this.#child.kill("SIGKILL")));
  }

  #hear(message: FromProcess): void {
    switch (message.kind) {
      case "ready":
        this.#readyAt = this.#options.clock.now();
        this.#options.onReady(this, message.models);
        this.#started.resolve(true);
        break;
      case "alive":
        this.#unanswered = 0;
        break;
    }
    this.#options.onMessage(this, message);
  }

  #ping(): void {
    if (!this.isReady) return;
    if (this.#unanswered >= PINGS) this.#killFor("silent");
    this.#unanswered++;
    this.send({ kind: "ping" });
  }

  #killFor(reason: EndReason): void {
    this.#killedFor ??= reason;
    this.#child.kill("SIGKILL");
  }

  #end(code: number): void {
    for (const cancel of this.#cancels) cancel();
    const { signalCode } = this.#child;
    const signal = typeof signalCode === "string" ? signalCode : null;
    const servedMs = this.#readyAt === null ? 0 : this.#options.clock.now() - this.#readyAt;
    const reason = this.#killedFor ?? (signal === null ? "exited" : "killed");
    const { isReady: wasReady } = this;
    this.#options.onEnd(this, { code, signal, reason, wasReady, wasTold: this.#told, servedMs });
    this.#started.resolve(false);
  }
}
