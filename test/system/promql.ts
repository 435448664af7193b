/** One metric that an expression reads: `name{label="value"}`. */
export interface Selector {
  metric: string;
  matchers: { label: string; operator: string; value: string }[];
}

/** A label that an expression groups or joins by, whether it keeps it or leaves it out. */
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;

/** What an expression reads of us (`pinhole_*`, `nv_*`) and of Prometheus (`up`). Enough of PromQL for our files. */
export function selectorsOf(expression: string): Selector[] {
  // Labels are no metrics, and neither is what stands in quotes outside of braces.
  const bare = expression.replaceAll(GROUPING, " ");
  return [...bare.matchAll(/\b((?:pinhole|nv)_\w+|up)\b\s*(\{[^}]*\})?/g)].map(([, metric, braces]) => ({
    metric: metric!,
    matchers: [...(braces ?? "").matchAll(MATCHER)].map(([, label, operator, value]) => ({
      label: label!,
      operator: operator!,
      value: value!,
    })),
  }));
}

/** Labels by which an expression groups or joins. */
export function groupingLabelsOf(expression: string): string[] {
  return [...expression.matchAll(GROUPING)].flatMap(([, labels]) =>
    labels!.split(",").flatMap((label) => label.trim() || []),
  );
}

/** The series of a text exposition: name and labels of each sample. */
export function seriesOf(exposition: string): { metric: string; labels: Record<string, string> }[] {
  return exposition
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, metric, braces] = /^(\w+)(\{.*\})? \S+$/.exec(line)!;
      const labels = [...(braces ?? "").matchAll(MATCHER)].map(([, label, , value]) => [label!, value!]);
      return { metric: metric!, labels: Object.fromEntries(labels) };
    });
}
