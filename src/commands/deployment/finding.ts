/** What a check found. Only `failed` makes the whole check fail; a warning is for a person to weigh. */
export type Outcome = "ok" | "warning" | "failed" | "skipped";

export interface Verdict {
  outcome: Outcome;
  /** What was seen, and for anything but `ok` what to do about it. */
  detail: string;
}

export type Group =
  | "connection"
  | "functional"
  | "headers"
  | "limits"
  | "operator"
  | "hostile"
  | "performance";

export interface Finding extends Verdict {
  group: Group;
  name: string;
}

export const ok = (detail: string): Verdict => ({ outcome: "ok", detail });
export const warning = (detail: string): Verdict => ({ outcome: "warning", detail });
export const failed = (detail: string): Verdict => ({ outcome: "failed", detail });
export const skipped = (detail: string): Verdict => ({ outcome: "skipped", detail });

/** Thrown inside a check to end it: what follows makes no sense any more. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
}

/** @throws CheckFailed with this detail unless the condition holds */
export function demand(condition: boolean, detail: string): asserts condition {
  if (!condition) throw new CheckFailed(detail);
}

/** The findings of one group, one after the other; whatever a check throws is a failure of that check alone. */
export class Findings {
  readonly list: Finding[] = [];
  readonly #group: Group;

  constructor(group: Group) {
    this.#group = group;
  }

  async check(name: string, run: () => Promise<Verdict> | Verdict): Promise<void> {
    let verdict: Verdict;
    try {
      verdict = await run();
    } catch (thrown) {
      verdict = failed(thrown instanceof Error ? thrown.message : String(thrown));
    }
    this.list.push({ group: this.#group, name, ...verdict });
  }
}
