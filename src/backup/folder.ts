import { chmodSync, chownSync, closeSync, fsyncSync, mkdirSync, openSync, statSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { tryExclusiveLock } from "../../db/exclusive-lock.ts";
import { BackupError } from "./backup-error.ts";
import { takenAt } from "./backup-name.ts";

const PARTIAL = ".partial-";

/** A backup that is there. */
export interface StoredBackup {
  name: string;
  bytes: number;
  /** ms since the epoch. */
  takenAt: number;
}

/** Backups in a directory, which only its owner may read. */
export class BackupFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Oldest first. Other files are none of ours. */
  async list(): Promise<StoredBackup[]> {
    const names = await readdir(this.path).catch(() => []);
    const backups: StoredBackup[] = [];
    for (const name of names.sort()) {
      const instant = takenAt(name);
      if (instant !== null)
        backups.push({ name, bytes: (await stat(join(this.path, name))).size, takenAt: instant });
    }
    return backups;
  }

  remove(name: string): Promise<void> {
    return rm(join(this.path, name));
  }

  /**
   * Keeps everybody else from making a backup here, and sweeps what killed ones left.
   * @throws BackupError while one is being made
   */
  async lock(): Promise<Disposable> {
    if (mkdirSync(this.path, { recursive: true, mode: 0o700 }) === this.path)
      likeItsFolder(this.path, dirname(this.path), 0o700);
    const lockFile = join(this.path, ".lock");
    closeSync(openSync(lockFile, "a", 0o600));
    likeItsFolder(lockFile, this.path);
    const lock = tryExclusiveLock(lockFile);
    if (!lock) throw new BackupError(`Another backup is being made in ${this.path}; wait until it is done.`);
    for (const name of await readdir(this.path)) {
      if (name.startsWith(PARTIAL)) await rm(join(this.path, name), { recursive: true, force: true });
    }
    return lock;
  }

  /** A directory for what is not finished; on the same file system, so that it can be renamed into place. */
  partial(id: string): AsyncDisposable & { path: string } {
    const path = join(this.path, PARTIAL + id);
    mkdirSync(path, { mode: 0o700 });
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  }
}

/** After a rename: makes it survive a power cut. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** What root makes in somebody's directory is that one's; readable by its owner only. */
export function likeItsFolder(path: string, folder: string, mode = 0o600): void {
  const { uid, gid } = statSync(folder);
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
  chmodSync(path, mode);
}
