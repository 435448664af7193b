const SHAPE = /^pinhole-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.(\d{3})Z\.tar\.zst$/;

/** File name of a backup: the instant (ms since the epoch) at which it was begun, in UTC. Names sort by age. */
export function backupName(takenAt: number): string {
  return `pinhole-${new Date(takenAt).toISOString().replaceAll(/[-:]/g, "")}.tar.zst`;
}

/** When the backup of this name was begun, ms since the epoch; null for what is no backup of ours. */
export function takenAt(name: string): number | null {
  const [, year, month, day, hour, minute, second, ms] = SHAPE.exec(name) ?? [];
  const instant = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  return Number.isNaN(instant) ? null : instant;
}
