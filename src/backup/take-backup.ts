import { existsSync, renameSync, statSync, writeFileSync } from "node:fs";
import { readFile, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type CopyContents, copyDatabase, inspectCopy } from "../../db/backup.ts";
import type { Clock, NewId } from "../clock.ts";
import { digestOf, pack, readFileInPieces, unpack } from "./archive.ts";
import { BackupError } from "./backup-error.ts";
import { backupName } from "./backup-name.ts";
import { type BackupManifest, DATABASE, SECRET } from "./contents.ts";
import { type BackupFolder, likeItsFolder, syncFolder } from "./folder.ts";

const MIB = 1024 * 1024;

export interface TakeBackupOptions {
  dataDir: string;
  /** Where it goes. */
  folder: BackupFolder;
  clock: Clock;
  newId: NewId;
  /** Version of this program. */
  version: string;
}

export interface TakenBackup {
  name: string;
  path: string;
  /** Of the finished, compressed file. */
  bytes: number;
  manifest: BackupManifest;
}

/**
 * Copies the database, while a server may be writing it, and the secret of the client hash into one file that appears
 * whole or not at all: copied, checked page by page, compressed, synced, read back against its digests, renamed. The
 * caller holds the folder's lock. Blocks its thread while SQLite copies: for a process of its own.
 * @throws BackupError where there is nothing to copy, no room or no whole copy; nothing is left behind then
 */
export async function takeBackup(options: TakeBackupOptions): Promise<TakenBackup> {
  const { dataDir, folder, clock, newId, version } = options;
  const source = join(dataDir, DATABASE);
  if (!existsSync(source)) throw new BackupError(`There is no database ${source}: nothing to back up.`);
  await requireRoom(source, folder.path);

  const takenAt = clock.wall();
  const name = backupName(takenAt);
  const path = join(folder.path, name);
  if (existsSync(path)) throw new BackupError(`${path} is there already.`);
  await using work = folder.partial(newId());
  const { rows, migrations } = copyWhole(source, join(work.path, DATABASE));
  if (migrations.state === "foreign")
    throw new BackupError(`${source} was not made by Pinhole's migrations; it was not backed up.`);
  const secret = await readFile(join(dataDir, SECRET)).catch(() => null);
  if (secret) writeFileSync(join(work.path, SECRET), secret, { mode: 0o600 });

  const files: BackupManifest["files"] = {};
  for (const file of secret ? [SECRET, DATABASE] : [DATABASE])
    files[file] = await digestOf(readFileInPieces(join(work.path, file)));
  const unfinished = join(work.path, name);
  await pack(
    {
      takenAt: new Date(takenAt).toISOString(),
      pinhole: version,
      schemaVersion: migrations.applied,
      rows,
      files,
    },
    work.path,
    unfinished,
  );
  const manifest = await unpack(unfinished);
  likeItsFolder(unfinished, folder.path);
  renameSync(unfinished, path);
  syncFolder(folder.path);
  return { name, path, bytes: statSync(path).size, manifest };
}

function copyWhole(source: string, to: string): CopyContents {
  try {
    copyDatabase(source, to);
    return inspectCopy(to);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new BackupError(
      `No whole copy of ${source} could be made: ${message}. Nothing was kept. Is the disk of ${dirname(dirname(to))} ` +
        "full? If not, `bun run preflight --thorough` looks at the database.",
      { cause: thrown },
    );
  }
}

/** The copy and its compressed form stand side by side for a while. */
async function requireRoom(database: string, folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const wanted = 2 * (size(database) + size(`${database}-wal`)) + MIB;
  if (bavail * bsize >= wanted) return;
  const mib = (bytes: number) => `${Math.ceil(bytes / MIB)} MiB`;
  throw new BackupError(
    `A backup may need ${mib(wanted)} in ${folder}; ${mib(bavail * bsize)} are free. Make room, keep fewer backups ` +
      "(PINHOLE_BACKUP_KEEP_*) or use another disk (PINHOLE_BACKUP_DIR).",
  );
}

/** Removes what retention does not keep. @returns the names of what was removed, oldest first */
export async function removeOld(
  store: Pick<BackupFolder, "list" | "remove">,
  keep: (instants: readonly number[]) => Set<number>,
): Promise<string[]> {
  const backups = await store.list();
  const kept = keep(backups.map(({ takenAt }) => takenAt));
  const old = backups.filter(({ takenAt }) => !kept.has(takenAt)).map(({ name }) => name);
  for (const name of old) await store.remove(name);
  return old;
}
