/** What one check found before the start. */
export interface Finding {
  /** Which check, e.g. "disk". */
  check: string;
  /** `warn`: it can start, but somebody should look; `fail`: it must not start like this. */
  verdict: "ok" | "warn" | "fail";
  /** What was found, in one line. */
  found: string;
  /** What to do about it; null where all is well. */
  advice: string | null;
}

/** Makes the findings of one check. */
export function findingsOf(check: string) {
  return {
    ok: (found: string): Finding => ({ check, verdict: "ok", found, advice: null }),
    warn: (found: string, advice: string): Finding => ({ check, verdict: "warn", found, advice }),
    fail: (found: string, advice: string): Finding => ({ check, verdict: "fail", found, advice }),
  };
}

const LABELS = { ok: "  ok  ", warn: " warn ", fail: " FAIL " };

/** One line for each finding, advice below it, and a last line that counts. */
export function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, verdict, found, advice }) => [
    `${LABELS[verdict]} ${check.padEnd(width)}  ${found.replaceAll("\n", `\n${" ".repeat(width + 9)}`)}`,
    ...(advice === null ? [] : [`${" ".repeat(width + 9)}-> ${advice}`]),
  ]);
  const count = (verdict: Finding["verdict"]) => findings.filter((one) => one.verdict === verdict).length;
  return [...lines, `${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} failed`].join("\n");
}

export const mib = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
