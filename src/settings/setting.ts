/** What is declared of a setting. */
export type Setting = {
  /** Environment variable. Units are suffixes (`_MS`, `_BYTES`, `_PIXELS`, `_SECONDS`). */
  name: string;
  meaning: string;
  /** Never printed. */
  secret?: boolean;
} & (
  | { type: "integer"; min: number; max: number; default: number; unit?: string }
  | { type: "number"; min: number; max: number; default: number; unit?: string }
  | { type: "boolean"; default: boolean }
  | { type: "choice"; choices: readonly string[]; default: string }
  | {
      type: "text";
      default: string;
      minLength?: number;
      maxLength?: number;
      /** What it must match, and that in words. */
      pattern?: { test: RegExp; words: string };
    }
  | { type: "list"; default: readonly string[]; choices?: readonly string[]; minItems?: number }
);
