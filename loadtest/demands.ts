/** One thing that is asked of a server under load, and what was found. */
export interface Demand {
  what: string;
  found: string;
  wanted: string;
  met: boolean;
}

export const atLeast = (what: string, found: number, least: number): Demand => ({
  what,
  found: short(found),
  wanted: `at least ${short(least)}`,
  met: found >= least,
});

export const atMost = (what: string, found: number, most: number): Demand => ({
  what,
  found: short(found),
  wanted: `at most ${short(most)}`,
  met: found <= most,
});

export const none = (what: string, found: number): Demand => ({
  what,
  found: short(found),
  wanted: "none",
  met: found === 0,
});

/** For people: a line for each, in columns. */
export function demandLines(found: readonly Demand[]): string[] {
  const width = Math.max(...found.map(({ what }) => what.length));
  return found.map(
    ({ what, found: value, wanted, met }) =>
      `${met ? "ok  " : "MISS"}  ${what.padEnd(width)}  ${value} (${wanted})`,
  );
}

/** Three significant digits below 100, whole from there on. */
function short(figure: number): string {
  return Math.abs(figure) >= 100 ? figure.toFixed(0) : String(Number(figure.toPrecision(3)));
}
