import { PinholeError } from "../errors.ts";

/** What became of one file. */
export interface Outcome<Value> {
  file: string;
  value: Value;
}

/**
 * Works on files, several at once, and goes on when one fails.
 * @returns in the order of `files`; failures as "<file>: <why>"
 */
export async function eachFile<Value>(
  files: readonly string[],
  options: { atOnce: number; tell: (done: number, of: number) => void; signal?: AbortSignal },
  work: (file: string) => Promise<Value>,
): Promise<{ outcomes: Outcome<Value>[]; failures: string[] }> {
  const outcomes = new Map<string, Outcome<Value>>();
  const failures: string[] = [];
  const waiting = files.values();
  const runner = async () => {
    for (const file of waiting) {
      options.signal?.throwIfAborted();
      try {
        outcomes.set(file, { file, value: await work(file) });
      } catch (thrown) {
        failures.push(`${file}: ${thrown instanceof PinholeError ? thrown.detail : thrown}`);
      }
      options.tell(outcomes.size + failures.length, files.length);
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, runner));
  return { outcomes: files.flatMap((file) => outcomes.get(file) ?? []), failures };
}
