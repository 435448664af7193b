const COLORS: Record<string, number> = { debug: 90, info: 32, warn: 33, error: 31 };
const DIM = 90;
/** What every line has, and what stands elsewhere in it. */
const SHOWN_APART: ReadonlySet<string> = new Set(["level", "time", "service", "stream", "msg", "err"]);

/**
 * A JSON log line for people: time of day, level, stream, message, then the fields as `name=value`, and below
 * it the stack of an error. A line that is no JSON object stays as it is.
 * @param colors whether the terminal shows ANSI colours
 */
export function prettyLine(line: string, colors: boolean): string {
  const entry = parsed(line);
  if (entry === null) return line;
  const paint = (text: string, color: number) => (colors ? `\x1b[${color}m${text}\x1b[0m` : text);
  const { time, level, stream, msg, err } = entry;
  const head = [
    paint(typeof time === "string" ? time.slice(11, 23) : "", DIM),
    paint(String(level).toUpperCase().padEnd(5), COLORS[String(level)] ?? 0),
    ...(stream === "server" || stream === "error" || stream === undefined ? [] : [`[${stream}]`]),
    ...(typeof msg === "string" ? [msg] : []),
  ];
  const fields = Object.entries(entry)
    .filter(([name]) => !SHOWN_APART.has(name))
    .map(([name, value]) => `${paint(`${name}=`, DIM)}${shown(value)}`);
  const below = err === undefined ? "" : `\n${stackOf(err).replace(/^/gm, "    ")}`;
  return `${[...head, ...fields].join(" ")}${below}\n`;
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const shown = (value: unknown): string =>
  typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);

function stackOf(err: unknown): string {
  if (typeof err !== "object" || err === null) return shown(err);
  const { stack, message } = err as { stack?: unknown; message?: unknown };
  return String(stack ?? message ?? JSON.stringify(err));
}
