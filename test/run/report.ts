import { add, failed, type Outcome } from "./outcome.ts";

/** A part of the gate that this machine cannot run. */
export interface Missing {
  what: string;
  howToGet: string;
}

export interface Entry {
  step: string;
  outcome: Outcome | Missing;
  seconds: number;
}

/** All steps together. `requireAll`: what is missing or skipped counts as failed, each as one. */
export function total(entries: readonly Entry[], requireAll: boolean): Outcome {
  const outcomes = entries.map(({ step, outcome }) => {
    if (!isMissing(outcome)) return outcome;
    return requireAll ? failed(`${step}: ${outcome.what} is missing`) : add();
  });
  const sum = add(...outcomes);
  if (!requireAll) return sum;
  return add(sum, ...sum.skipped.map((name) => failed(`skipped: ${name}`)));
}

/** The closing text, whose last line is `N passed, N failed`. */
export function closingText(entries: readonly Entry[], requireAll: boolean): string {
  const sum = total(entries, requireAll);
  const lines = ["", "What ran:"];
  const width = Math.max(...entries.map(({ step }) => step.length));
  for (const { step, outcome, seconds } of entries) {
    const said = isMissing(outcome)
      ? `NOT RUN, ${outcome.what} is missing`
      : `${outcome.passed} passed, ${outcome.failed} failed${outcome.skipped.length ? `, ${outcome.skipped.length} skipped` : ""}`;
    lines.push(`  ${step.padEnd(width)}  ${said} (${seconds.toFixed(1)} s)`);
  }
  const missing = entries.map(({ outcome }) => outcome).filter(isMissing);
  if (missing.length > 0) {
    lines.push("", "This machine lacks:");
    for (const line of new Set(missing.map(({ what, howToGet }) => `  ${what}: ${howToGet}`)))
      lines.push(line);
  }
  if (sum.skipped.length > 0) lines.push("", "Skipped:", ...sum.skipped.map((name) => `  ${name}`));
  if (sum.failures.length > 0) lines.push("", "Failed:", ...sum.failures.map((failure) => `  ${failure}`));
  lines.push("", `${sum.passed} passed, ${sum.failed} failed`);
  return lines.join("\n");
}

export function isMissing(outcome: Outcome | Missing): outcome is Missing {
  return "howToGet" in outcome;
}
