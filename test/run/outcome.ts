/** What one step of the gate came to. */
export interface Outcome {
  passed: number;
  /** At least 1 when the step crashed, also where it could count nothing. */
  failed: number;
  /** One line for each failure. */
  failures: string[];
  /** Tests that did not run, by name: never silently. */
  skipped: string[];
}

export const nothing: Readonly<Outcome> = { passed: 0, failed: 0, failures: [], skipped: [] };

export function passed(count = 1): Outcome {
  return { ...nothing, passed: count };
}

export function failed(failure: string): Outcome {
  return { ...nothing, failed: 1, failures: [failure] };
}

export function add(...outcomes: readonly Outcome[]): Outcome {
  return {
    passed: outcomes.reduce((sum, outcome) => sum + outcome.passed, 0),
    failed: outcomes.reduce((sum, outcome) => sum + outcome.failed, 0),
    failures: outcomes.flatMap((outcome) => outcome.failures),
    skipped: outcomes.flatMap((outcome) => outcome.skipped),
  };
}

/**
 * Holds a suite's own count against how its process ended: one that ended badly without naming a failure has
 * failed all the same.
 */
export function judge(suite: string, counted: Outcome, exitCode: number): Outcome {
  if (exitCode === 0 || counted.failed > 0) return counted;
  return add(counted, failed(`${suite}: ended with exit code ${exitCode} and named no failing test`));
}
