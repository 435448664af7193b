import type { Clock } from "../clock.ts";

const TOLD_EVERY_MS = 2000;

/** Says now and then how much of a piece of work is done, and when it will be. */
export class Progress {
  readonly #clock: Clock;
  readonly #write: (line: string) => void;
  /** What is being done, and how much of it was done when; null: nothing yet. */
  #piece: { what: string; since: number; doneThen: number; done: number } | null = null;
  #toldAt = 0;

  constructor(clock: Clock, write: (line: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  /** Something else is done from now on, whatever it is called. */
  begin(): void {
    this.#piece = null;
  }

  /** @param what is being done; where it changes, or `done` falls, something else has begun */
  tell(done: number, of: number, what = ""): void {
    const now = this.#clock.now();
    if (this.#piece === null || what !== this.#piece.what || done < this.#piece.done) {
      this.#piece = { what, since: now, doneThen: done, done };
      this.#toldAt = now;
      return;
    }
    const { since, doneThen } = this.#piece;
    this.#piece.done = done;
    if (done === doneThen || now - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = now;
    const left = ((now - since) / (done - doneThen)) * (of - done);
    const line = `${done} of ${of}, ${Math.ceil(left / 1000)} s to go`;
    this.#write(what === "" ? line : `${what}: ${line}`);
  }
}
