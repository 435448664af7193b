/** One mistake in a manifest, in its labels, or between a manifest and the graph that it describes. */
export interface Problem {
  /** Dotted path, e.g. `input.width` or `2.class_id`. */
  field: string;
  /** What is allowed there. */
  expected: string;
  /** What came, as JSON and cut short, or "nothing". */
  received: string;
}

/** Everything that is wrong with one file, together. For the operator: never answered to a caller. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
  readonly problems: readonly Problem[];

  /** @param file the file's plain name, for the message */
  constructor(file: string, problems: readonly Problem[]) {
    super(
      problems
        .map(
          ({ field, expected, received }) => `${file}: ${field}: expected ${expected}, received ${received}`,
        )
        .join("\n"),
    );
    this.problems = problems;
  }
}

/** What came, as it stands in a message. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const json = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? typeof value);
  return json.length > 120 ? `${json.slice(0, 120)}…` : json;
}
