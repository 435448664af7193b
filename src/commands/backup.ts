import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../backup/backup-error.ts";
import { BackupFolder } from "../backup/folder.ts";
import { backupsToKeep } from "../backup/retention.ts";
import { folderOf, s3StoreOf } from "../backup/stores.ts";
import { removeOld, takeBackup } from "../backup/take-backup.ts";
import { randomId, systemClock } from "../clock.ts";
import { loadConfig } from "../config.ts";
import { VERSION } from "../http/version.ts";

/** `bun run backup`: copies the database of a running or stopped server, verified, into one file. */

const USAGE = `usage: bun run backup [--to DIR] [--s3]

  --to  where it goes; default: PINHOLE_BACKUP_DIR
  --s3  sends it to the bucket of PINHOLE_BACKUP_S3_*, too, and reads it back`;

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 the backup is made and, with --s3, sent; 1 it is not; 2 not understood */
export async function main(args: string[]): Promise<number> {
  let values: { to?: string; s3?: boolean };
  try {
    ({ values } = parseArgs({ args, options: { to: { type: "string" }, s3: { type: "boolean" } } }));
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${USAGE}`);
    return 2;
  }
  try {
    await run(values);
    return 0;
  } catch (thrown) {
    console.error(messageOf(thrown));
    return 1;
  }
}

async function run(values: { to?: string; s3?: boolean }): Promise<void> {
  const config = loadConfig();
  const bucket = values.s3 ? s3StoreOf(config) : null;
  const folder = values.to === undefined ? folderOf(config) : new BackupFolder(resolve(values.to));
  const keep = (instants: readonly number[]) =>
    backupsToKeep(instants, {
      daily: config.backupKeepDaily,
      weekly: config.backupKeepWeekly,
      monthly: config.backupKeepMonthly,
    });

  using _lock = await folder.lock();
  const startedAt = systemClock.now();
  const { name, path, bytes, manifest } = await takeBackup({
    dataDir: resolve(config.dataDir),
    folder,
    clock: systemClock,
    newId: randomId,
    version: VERSION,
  });
  const seconds = ((systemClock.now() - startedAt) / 1000).toFixed(1);
  console.log(`${path}: ${bytes} bytes, ${manifest.rows.predictions ?? 0} predictions, ${seconds} s`);
  for (const old of await removeOld(folder, keep)) console.log(`removed ${old}`);
  if (bucket) {
    await bucket.put(path, name);
    console.log(`s3:${name}: sent and read back`);
    for (const old of await removeOld(bucket, keep)) console.log(`removed s3:${old}`);
  }
}
