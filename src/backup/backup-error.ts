import { ConfigError } from "../config.ts";

/** What stopped a backup or a restore, and what to do about it. For the operator: may name paths. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

/** What to tell an operator: without a stack where it is the machine that failed (disk full, no permission). */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const expected = thrown instanceof BackupError || thrown instanceof ConfigError || "code" in thrown;
  return expected ? thrown.message : (thrown.stack ?? thrown.message);
}
