import { BackupError } from "./backup-error.ts";

/** Names of the files of a backup, in the order in which they stand in it. */
export const MANIFEST = "manifest.json";
export const SECRET = "client-key.secret";
export const DATABASE = "pinhole.sqlite";

const FORMAT = 1;
const SHA256 = /^[0-9a-f]{64}$/;

export interface FileDigest {
  bytes: number;
  /** 64 hexadecimal characters. */
  sha256: string;
}

/** What a backup says of itself: `manifest.json`, its first file. */
export interface BackupManifest {
  format: typeof FORMAT;
  /** When it was begun, ISO 8601 in UTC. What was written to the database before is in it. */
  takenAt: string;
  /** Version of Pinhole that made it. */
  pinhole: string;
  /** How many migrations the database has. */
  schemaVersion: number;
  /** Number of rows by table. */
  rows: Record<string, number>;
  /** By name: the database, and the secret of the client hash where there was one. */
  files: Record<string, FileDigest>;
}

export function manifestText(manifest: Omit<BackupManifest, "format">): string {
  return `${JSON.stringify({ format: FORMAT, ...manifest }, null, 2)}\n`;
}

/** @throws BackupError for anything that `manifestText` did not make */
export function parseManifestText(text: string): BackupManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BackupError(`${MANIFEST} is no JSON.`);
  }
  const refuse = (what: string): never => {
    throw new BackupError(`${MANIFEST}: expected ${what}.`);
  };
  if (!isRecord(value)) return refuse("an object");
  const { format, takenAt, pinhole, schemaVersion, rows, files } = value;
  if (format !== FORMAT) return refuse(`format ${FORMAT}; a later version of Pinhole reads others`);
  if (typeof takenAt !== "string" || Number.isNaN(Date.parse(takenAt))) return refuse("an instant takenAt");
  if (typeof pinhole !== "string") return refuse("the version pinhole");
  if (!isCount(schemaVersion)) return refuse("a whole number schemaVersion");
  if (!isRecord(rows) || !Object.values(rows).every(isCount)) return refuse("rows as whole numbers");
  if (!isRecord(files) || !(DATABASE in files) || !Object.values(files).every(isDigest))
    return refuse(`files with bytes and sha256, ${DATABASE} among them`);
  const stranger = Object.keys(files).find((name) => name !== DATABASE && name !== SECRET);
  if (stranger !== undefined) return refuse(`no file ${JSON.stringify(stranger)}`);
  return value as unknown as BackupManifest;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isDigest = (value: unknown): value is FileDigest =>
  isRecord(value) && isCount(value.bytes) && typeof value.sha256 === "string" && SHA256.test(value.sha256);
