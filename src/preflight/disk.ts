import { statfsSync } from "node:fs";
import { type Finding, findingsOf, mib } from "./finding.ts";
import { nearestFolder } from "./nearest-folder.ts";

const MIB = 1024 * 1024;
const FAIL_BYTES = 64 * MIB;
const WARN_BYTES = 512 * MIB;

/** What a file system has left for whoever is not root. */
export interface Room {
  bytes: number;
  /** Files that can still be made; file systems that have no such limit tell 0 of 0. */
  files: number;
  filesMax: number;
}

export function roomOf(path: string): Room {
  const { bavail, bsize, ffree, files } = statfsSync(nearestFolder(path));
  return { bytes: bavail * bsize, files: ffree, filesMax: files };
}

/** Room for records and for SQLite's log. @param path the data directory, there or not */
export function checkDisk(path: string, room: Room = roomOf(path)): Finding[] {
  const { ok, warn, fail } = findingsOf("disk");
  const free = `${mib(room.bytes)} free for ${path}`;
  const advice = "Make room, keep less (PINHOLE_RETENTION_DAYS) or use another disk (PINHOLE_DATA_DIR).";
  if (room.filesMax > 0 && room.files === 0)
    return [fail(`no file can be made on the disk of ${path}: it has no inodes left`, advice)];
  if (room.bytes < FAIL_BYTES) return [fail(`${free}; at least ${mib(FAIL_BYTES)} are needed`, advice)];
  if (room.bytes < WARN_BYTES) return [warn(`${free}; below ${mib(WARN_BYTES)} it fills up soon`, advice)];
  return [ok(free)];
}
