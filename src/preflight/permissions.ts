import { statSync } from "node:fs";
import { join } from "node:path";
import { type Finding, findingsOf } from "./finding.ts";

const SECRET_BYTES = 32;

/** Whether others can read or change what the server keeps. @param dataDir there or not */
export function checkPermissions(dataDir: string, user: number | undefined = process.getuid?.()): Finding[] {
  const { ok, warn, fail } = findingsOf("permissions");
  const folder = statSync(dataDir, { throwIfNoEntry: false });
  if (!folder) return [ok(`${dataDir} will be made for its owner only`)];
  if (!folder.isDirectory()) return [fail(`${dataDir} is no directory`, "Set PINHOLE_DATA_DIR.")];
  const findings: Finding[] = [];
  const sticky = (folder.mode & 0o1000) !== 0;
  if ((folder.mode & 0o002) !== 0 && !sticky)
    findings.push(fail(`${dataDir} can be changed by everybody`, `Run \`chmod 700 ${dataDir}\`.`));
  else if ((folder.mode & 0o077) !== 0)
    findings.push(warn(`${dataDir} can be entered by others`, `Run \`chmod 700 ${dataDir}\`.`));
  const secret = statSync(join(dataDir, "client-key.secret"), { throwIfNoEntry: false });
  if (secret && (secret.mode & 0o077) !== 0)
    findings.push(
      fail(
        "client-key.secret can be read by others, who can then find out clients' addresses",
        `Run \`chmod 600 ${join(dataDir, "client-key.secret")}\`.`,
      ),
    );
  if (secret && secret.size !== SECRET_BYTES)
    findings.push(
      fail(
        `client-key.secret has ${secret.size} bytes instead of ${SECRET_BYTES}`,
        "Restore it from a backup; without it a new one is made, and clients get other names in records.",
      ),
    );
  for (const name of ["pinhole.sqlite", "pinhole.sqlite-wal", "pinhole.sqlite-shm"]) {
    const file = statSync(join(dataDir, name), { throwIfNoEntry: false });
    if (file && (file.mode & 0o077) !== 0)
      findings.push(warn(`${name} can be read by others`, `Run \`chmod 600 ${join(dataDir, name)}\`.`));
    if (file && user !== undefined && user !== 0 && file.uid !== user)
      findings.push(
        fail(`${name} belongs to another user (${file.uid})`, `Run \`chown -R ${user} ${dataDir}\`.`),
      );
  }
  return findings.length > 0 ? findings : [ok(`${dataDir} is for its owner only`)];
}
