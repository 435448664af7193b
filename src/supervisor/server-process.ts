import { Run, type RunEnd, type RunOptions } from "./run.ts";

export interface ServerProcessOptions extends RunOptions {
  /** From 1. */
  process: number;
  /** Told when it has ended and no other run has taken its place. */
  onVacant(process: ServerProcess, end: RunEnd): void;
}

/** One of the server processes, through all of its runs: one at a time, but while a fresh one takes over. */
export class ServerProcess {
  readonly process: number;
  readonly #options: ServerProcessOptions;
  readonly #runs = new Set<Run>();
  /** The one that serves, or will. */
  #current: Run | null = null;
  /** The one that takes its place once it is ready. */
  #next: Run | null = null;
  #starts = 0;

  constructor(options: ServerProcessOptions) {
    this.process = options.process;
    this.#options = options;
  }

  get state(): "ended" | "starting" | "ready" {
    if (this.#current === null) return "ended";
    return this.#current.isReady ? "ready" : "starting";
  }

  /** Those that have not ended. */
  get runs(): readonly Run[] {
    return [...this.#runs];
  }

  start(): void {
    this.#current = this.#run();
  }

  /**
   * Starts another run beside the one that serves, which is told to go once that one is ready; resolves when it has.
   * @returns false: the fresh one did not become ready, and the old one goes on
   */
  async replace(): Promise<boolean> {
    const next = this.#run();
    this.#next = next;
    const isReady = await next.started;
    this.#next = null;
    const old = this.#current;
    if (!isReady || old === null || old === next) return isReady;
    this.#current = next;
    old.stop("SIGTERM");
    await old.ended;
    return true;
  }

  #run(): Run {
    const identity = { process: this.process, restarts: this.#starts++ };
    const run = new Run(identity, {
      ...this.#options,
      onEnd: (ended, end) => {
        this.#runs.delete(ended);
        const wasCurrent = ended === this.#current;
        // Whoever is about to take over does it now.
        if (wasCurrent) this.#current = this.#next === ended ? null : this.#next;
        this.#options.onEnd(ended, end);
        if (wasCurrent && this.#current === null) this.#options.onVacant(this, end);
      },
    });
    this.#runs.add(run);
    return run;
  }
}
