import { join } from "node:path";
import { eachFile } from "../evaluation/each.ts";
import { type PhotographSettings, Walk } from "../evaluation/walk.ts";
import type { RawRow } from "../inference/messages.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { AnswerPair } from "./fit.ts";

/** How models are run on the photographs of one folder. */
export interface Photographs {
  directory: string;
  settings: PhotographSettings;
  /** Workers at once. */
  workers: number;
}

interface Watch {
  tell: (done: number, of: number) => void;
  signal: AbortSignal;
}

/** Answers by file, through the server's walk; photographs that it would refuse are left out. */
export async function answersOf(
  model: Model,
  files: readonly string[],
  { directory, settings, workers }: Photographs,
  watch: Watch,
): Promise<Map<string, RawRow>> {
  await using walk = await Walk.open([model], workers, settings);
  const { outcomes } = await eachFile(files, { ...watch, atOnce: 2 * workers }, (file) =>
    walk.judge(join(directory, file), model),
  );
  return new Map(outcomes.map(({ file, value }) => [file, value]));
}

/** Both answers to each photograph that has two. */
export function pairsOf(
  files: readonly string[],
  source: ReadonlyMap<string, RawRow>,
  made: ReadonlyMap<string, RawRow>,
): { file: string; pair: AnswerPair }[] {
  return files.flatMap((file) => {
    const [before, after] = [source.get(file), made.get(file)];
    return before && after ? [{ file, pair: { source: before, made: after } }] : [];
  });
}
