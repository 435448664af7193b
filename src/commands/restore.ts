import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readManifest } from "../backup/archive.ts";
import { BackupError, messageOf } from "../backup/backup-error.ts";
import { takenAt } from "../backup/backup-name.ts";
import { restoreBackup } from "../backup/restore-backup.ts";
import { folderOf, hasS3, s3StoreOf } from "../backup/stores.ts";
import { randomId, systemClock } from "../clock.ts";
import { loadConfig } from "../config.ts";
import type { Config } from "../settings.ts";

/** `bun run restore`: puts a backup in the place of the database of a stopped server. */

const USAGE = `usage: bun run restore --from FILE|s3:NAME [--force]
       bun run restore --list

  --from   a backup: its file, or s3: and its name in the bucket of PINHOLE_BACKUP_S3_*
  --force  replaces a database that is there; it is kept beside the restored one
  --list   what backups there are`;

const S3 = "s3:";

interface Options {
  from?: string;
  force?: boolean;
  list?: boolean;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 restored, or listed; 1 not, and nothing is changed; 2 not understood */
export async function main(args: string[]): Promise<number> {
  let values: Options;
  try {
    ({ values } = parseArgs({
      args,
      options: { from: { type: "string" }, force: { type: "boolean" }, list: { type: "boolean" } },
    }));
    if (!values.from === !values.list) throw new Error("Say --from FILE, --from s3:NAME or --list.");
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${USAGE}`);
    return 2;
  }
  try {
    const config = loadConfig();
    await (values.from === undefined ? list(config) : restore(config, values.from, values.force === true));
    return 0;
  } catch (thrown) {
    console.error(messageOf(thrown));
    return 1;
  }
}

async function list(config: Config): Promise<void> {
  const folder = folderOf(config);
  const here = await folder.list();
  for (const { name, bytes } of here) {
    const path = join(folder.path, name);
    console.log(`${path}  ${bytes} bytes, ${await saysOfItself(path)}`);
  }
  const there = hasS3(config) ? await s3StoreOf(config).list() : [];
  for (const { name, bytes } of there) console.log(`${S3}${name}  ${bytes} bytes`);
  if (here.length + there.length === 0)
    console.log(`There is no backup in ${folder.path}${hasS3(config) ? " or S3" : ""}.`);
}

/** From its first file only: whether the rest is whole, restoring tells. */
async function saysOfItself(path: string): Promise<string> {
  try {
    const { rows, pinhole } = await readManifest(path);
    return `${rows.predictions ?? 0} predictions, made by Pinhole ${pinhole}`;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

async function restore(config: Config, from: string, force: boolean): Promise<void> {
  const dataDir = resolve(config.dataDir);
  const { manifest, migrations, kept } = await restoreBackup({
    dataDir,
    fetch: fetchFrom(config, from),
    force,
    clock: systemClock,
    newId: randomId,
  });
  console.log(
    `${dataDir} is as of ${manifest.takenAt}: ${manifest.rows.predictions ?? 0} predictions, made by Pinhole ${manifest.pinhole}.`,
  );
  const pending = migrations.known - migrations.applied;
  if (pending > 0) console.log(`The next start applies ${pending} migration(s); they were rehearsed.`);
  for (const path of kept) console.log(`What was there is kept as ${path}`);
}

function fetchFrom(config: Config, from: string): (folder: string) => Promise<string> {
  if (!from.startsWith(S3)) return async () => resolve(from);
  const name = from.slice(S3.length);
  if (takenAt(name) === null) throw new BackupError(`${from}: expected s3: and a name that --list shows.`);
  const store = s3StoreOf(config);
  return async (folder) => {
    const path = join(folder, name);
    await store.download(name, path);
    return path;
  };
}
