/** What came of the requests of one group: by outcome how many, and the slowest. */
export class Tally {
  readonly #outcomes = new Map<string, { count: number; slowestMs: number; slowest: string }>();

  add(outcome: string, name: string, ms: number): void {
    const entry = this.#outcomes.get(outcome) ?? { count: 0, slowestMs: -1, slowest: "" };
    entry.count++;
    if (ms > entry.slowestMs) Object.assign(entry, { slowestMs: ms, slowest: name });
    this.#outcomes.set(outcome, entry);
  }

  /** One line for each outcome. */
  lines(): string[] {
    return [...this.#outcomes]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(
        ([outcome, { count, slowestMs, slowest }]) =>
          `  ${outcome.padEnd(28)} ${String(count).padStart(6)}   slowest ${slowestMs.toFixed(0).padStart(5)} ms: ${slowest}`,
      );
  }
}
