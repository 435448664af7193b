import { existsSync, linkSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { mkdir, readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type CopyContents, inspectCopy } from "../../db/backup.ts";
import { DatabaseInUse, replaceDatabase } from "../../db/replace.ts";
import type { Clock, NewId } from "../clock.ts";
import { unpack } from "./archive.ts";
import { BackupError } from "./backup-error.ts";
import { type BackupManifest, DATABASE, SECRET } from "./contents.ts";
import { likeItsFolder, syncFolder } from "./folder.ts";

const MIB = 1024 * 1024;
const WORK = ".restore-";

export interface RestoreOptions {
  dataDir: string;
  /** Fetches the backup into a directory and says where it lies; a file that is here need not be copied. */
  fetch: (folder: string) => Promise<string>;
  /** Whether a database that is there may be replaced (it is kept beside the new one). */
  force: boolean;
  clock: Clock;
  newId: NewId;
}

export interface Restored {
  manifest: BackupManifest;
  migrations: CopyContents["migrations"];
  /** What was there before, and where it is now. */
  kept: string[];
}

/**
 * Puts a backup in the place of the database and of the client secret. All is read, compared with its digests,
 * checked page by page and rehearsed against this version's migrations before anything is touched; what was there is
 * kept under another name.
 * @throws BackupError, and nothing is changed: a backup that is damaged or of a later version, a database that is in
 * use, or there while `force` is not given
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { dataDir, fetch, force, clock, newId } = options;
  const path = join(dataDir, DATABASE);
  if (existsSync(path) && !force) {
    throw new BackupError(
      `There is a database ${path}. With --force it is replaced; it is kept beside the restored one.`,
    );
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  // What a killed one left. Two at once is nobody's wish: the later one ends the earlier.
  for (const name of await readdir(dataDir)) {
    if (name.startsWith(WORK)) await rm(join(dataDir, name), { recursive: true, force: true });
  }
  const work = join(dataDir, WORK + newId());
  await mkdir(work, { mode: 0o700 });
  try {
    const manifest = await unpack(await fetch(work), {
      folder: work,
      onManifest: (promised) => requireRoom(promised, dataDir),
    });
    const copy = join(work, DATABASE);
    const { migrations } = inspectRestored(copy, manifest);
    const suffix = `.replaced-${new Date(clock.wall()).toISOString().replaceAll(/[-:]/g, "")}`;
    likeItsFolder(copy, dataDir);
    const kept: string[] = [];
    const alongside = () => {
      const replaced = replaceSecret(join(work, SECRET), join(dataDir, SECRET), suffix);
      if (replaced) kept.push(replaced);
    };
    if (replaceDatabase(path, { copy, aside: path + suffix, alongside })) kept.push(path + suffix);
    syncFolder(dataDir);
    return { manifest, migrations, kept };
  } catch (thrown) {
    if (thrown instanceof DatabaseInUse)
      throw new BackupError(`${path} is open in another process. Stop the server first.`, { cause: thrown });
    throw thrown;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function inspectRestored(copy: string, manifest: BackupManifest): CopyContents {
  const contents = inspectWhole(copy);
  const { migrations, rows } = contents;
  if (migrations.state === "newer" || migrations.state === "foreign") {
    throw new BackupError(
      `The backup was made by Pinhole ${manifest.pinhole}, whose database this version cannot read ` +
        `(${migrations.applied} migrations, ${migrations.known} are known here). Restore it with that version.`,
    );
  }
  const different = Object.entries(manifest.rows).find(([table, count]) => rows[table] !== count);
  if (different)
    throw new BackupError(`The backup is damaged: ${different[0]} does not have ${different[1]} rows.`);
  return contents;
}

function inspectWhole(copy: string): CopyContents {
  try {
    return inspectCopy(copy);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    throw new BackupError(`The backup cannot be served: ${message}.`, { cause: thrown });
  }
}

/** @returns where the one before is kept, if there was another */
function replaceSecret(restored: string, path: string, suffix: string): string | null {
  if (!existsSync(restored)) return null;
  likeItsFolder(restored, join(path, ".."));
  const there = existsSync(path);
  if (there && readFileSync(path).equals(readFileSync(restored))) return null;
  if (there) linkSync(path, path + suffix);
  renameSync(restored, path);
  return there ? path + suffix : null;
}

async function requireRoom(manifest: BackupManifest, dataDir: string): Promise<void> {
  const wanted = Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, MIB);
  const { bavail, bsize } = await statfs(dataDir);
  if (bavail * bsize >= wanted) return;
  throw new BackupError(
    `The backup unpacks to ${Math.ceil(wanted / MIB)} MiB; ${Math.floor((bavail * bsize) / MIB)} MiB are free in ` +
      `${dataDir}. Make room, or name another PINHOLE_DATA_DIR.`,
  );
}
