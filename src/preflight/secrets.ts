import { statSync } from "node:fs";
import { type Finding, findingsOf } from "./finding.ts";

/** A guess a microsecond for ten years is 2^48; this leaves room for what the estimate flatters. */
const ENOUGH_BITS = 80;
/** What stands in examples and in careless configurations. None is likely in 32 random characters. */
const KNOWN =
  /change|example|placeholder|password|passwd|secret|operator|pinhole|default|insert|replace|token|admin|tests?|minio|letme|qwert/gi;
const RUN = /0123456789|1234567890|012345|123456|abcdef|fedcba|987654/gi;

/**
 * Bits that a guesser must find, estimated from above: known words and runs count nothing, every other character as
 * much as its frequency says (Shannon 1948).
 */
export function estimateBits(secret: string): number {
  const rest = secret.replaceAll(KNOWN, "").replaceAll(RUN, "");
  const counts = new Map<string, number>();
  for (const character of rest) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - count * Math.log2(count / rest.length), 0);
}

export interface Secrets {
  production: boolean;
  operatorToken: string;
  backupS3AccessKey: string;
  backupS3SecretKey: string;
  /** Files that may hold secrets; those that are not there do not count. */
  envFiles: readonly string[];
}

/** Whether what must be secret can be guessed or read. Says nothing of the secrets themselves. */
export function checkSecrets(secrets: Secrets): Finding[] {
  const { ok, warn, fail } = findingsOf("secrets");
  const findings: Finding[] = [];
  const bad = secrets.production ? fail : warn;
  if (secrets.operatorToken === "") {
    if (secrets.production)
      findings.push(
        warn(
          "PINHOLE_OPERATOR_TOKEN is not set: metrics and health details are closed to everybody",
          "Set it to the output of `openssl rand -hex 32`.",
        ),
      );
  } else if (estimateBits(secrets.operatorToken) < ENOUGH_BITS)
    findings.push(
      bad("PINHOLE_OPERATOR_TOKEN can be guessed", "Set it to the output of `openssl rand -hex 32`."),
    );
  if (secrets.backupS3SecretKey !== "" && estimateBits(secrets.backupS3SecretKey) < ENOUGH_BITS)
    findings.push(
      bad(
        "PINHOLE_BACKUP_S3_SECRET_KEY can be guessed",
        "Make a new key for backups, with access to its prefix.",
      ),
    );
  for (const path of secrets.envFiles) {
    const mode = statSync(path, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o077) !== 0)
      findings.push(warn(`${path} can be read by others`, `Run \`chmod 600 ${path}\`.`));
  }
  return findings.length > 0 ? findings : [ok("none that can be guessed or read")];
}
