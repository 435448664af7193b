const DAY_MS = 86_400_000;

/** How many days, weeks and months keep their newest backup. */
export interface Keep {
  daily: number;
  weekly: number;
  monthly: number;
}

/**
 * Which backups to keep, by grandfather, father, son: of each of the last `daily` days that have a backup the newest,
 * so for weeks (ISO 8601, from Monday) and months, all in UTC; and the newest of all, whatever the numbers say. Days
 * without a backup do not count, so that a server that stood still loses none.
 * @param instants ms since the epoch, in any order
 */
export function backupsToKeep(instants: readonly number[], { daily, weekly, monthly }: Keep): Set<number> {
  const newestFirst = [...instants].sort((a, b) => b - a);
  const newestOfEach = (period: (instant: number) => number, count: number) => {
    const byPeriod = new Map<number, number>();
    for (const instant of newestFirst) {
      const key = period(instant);
      if (!byPeriod.has(key)) byPeriod.set(key, instant);
    }
    return [...byPeriod.values()].slice(0, count);
  };
  return new Set([
    ...newestFirst.slice(0, 1),
    ...newestOfEach(dayOf, daily),
    ...newestOfEach(weekOf, weekly),
    ...newestOfEach(monthOf, monthly),
  ]);
}

const dayOf = (instant: number) => Math.floor(instant / DAY_MS);
/** The epoch was a Thursday. */
const weekOf = (instant: number) => Math.floor((dayOf(instant) + 3) / 7);
const monthOf = (instant: number) => {
  const date = new Date(instant);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};
