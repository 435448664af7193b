import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { type Examination, examineDatabase } from "../../db/examine.ts";
import { type Finding, findingsOf, mib } from "./finding.ts";
import { nearestFolder } from "./nearest-folder.ts";

/** Read through at every start; larger ones only when asked to be thorough. */
const QUICK_BYTES = 128 * 1024 * 1024;

interface DatabaseCheckOptions {
  thorough: boolean;
  access?: (path: string, mode: number) => void;
}

/** Whether the server can open, migrate and write its database. @param path of the database, there or not */
export function checkDatabase(
  path: string,
  { thorough, access = accessSync }: DatabaseCheckOptions,
): Finding[] {
  const { ok, warn, fail } = findingsOf("database");
  const folder = nearestFolder(dirname(path));
  try {
    access(folder, constants.W_OK | constants.X_OK);
  } catch {
    return [
      fail(`${folder} cannot be written`, "Give it to the server's user (chown), or set PINHOLE_DATA_DIR."),
    ];
  }
  let found: Examination | null;
  try {
    found = examineDatabase(path, { checkUpToBytes: thorough ? Number.POSITIVE_INFINITY : QUICK_BYTES });
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return [
      fail(
        `${path}: ${message}`,
        "Give the file to the server's user; if it is damaged, `bun run restore` (docs/operations-backup.md).",
      ),
    ];
  }
  if (found === null) return [ok(`${path} will be made`)];
  const { migrations, integrity, sizeBytes, writable } = found;
  const { applied, known, state } = migrations;
  const findings: Finding[] = [];
  if (integrity !== null && integrity !== "ok")
    findings.push(
      fail(`${path} is damaged: ${integrity}`, "Restore the last backup: `bun run restore --list`."),
    );
  if (state === "newer")
    findings.push(
      fail(
        `a newer version wrote it: ${applied} migrations, ${known} are known here`,
        "Run that version, or restore a backup made before it.",
      ),
    );
  if (state === "foreign")
    findings.push(
      fail("it was not made by this version's migrations", "Set PINHOLE_DATA_DIR, or restore a backup."),
    );
  if (!writable)
    findings.push(
      warn("another process is writing it and does not stop", "See who has it open, e.g. with fuser."),
    );
  if (findings.length > 0) return findings;
  const pending = state === "behind" ? `, ${known - applied} migration(s) to apply` : ", migrated";
  const looked = integrity === null ? "; too large to read through: --thorough does" : ", whole";
  return [ok(`${path}: ${mib(sizeBytes)}, writable${pending}${looked}`)];
}
