/** Something that is tried again and again: told when it begins to fail and when it is well again, not each time. */
export class Trouble {
  readonly #onBegin: (error: unknown) => void;
  readonly #onEnd: () => void;
  #lasts = false;

  constructor(told: { onBegin: (error: unknown) => void; onEnd: () => void }) {
    this.#onBegin = told.onBegin;
    this.#onEnd = told.onEnd;
  }

  /** Tries once more; never rejects. */
  async try(work: () => unknown): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!this.#lasts) this.#onBegin(error);
      this.#lasts = true;
      return;
    }
    if (this.#lasts) this.#onEnd();
    this.#lasts = false;
  }
}
