import { createHash } from "node:crypto";

/** One photograph that is to be dealt into a part. */
export interface Candidate {
  /** Path relative to the folder that was given. */
  file: string;
  /** SHA-256 of its bytes. */
  digest: string;
}

export interface Parts {
  /** What ranges are measured on. */
  calibration: string[];
  /** What choices are made by, and the new version's own calibration is fitted on beside the first part. */
  search: string[];
  /** What both versions are compared on at the end; nothing was chosen by it. */
  verification: string[];
  /** Copies of photographs that are there already, and what is beyond the largest sizes. */
  unused: string[];
}

export interface SplitOptions {
  seed: number;
  /** Deal the photographs of each folder out evenly. */
  byFolder: boolean;
  /**
   * What of a file's name (without folders) says which subject it shows: its first group. Photographs of one subject
   * stay in one part. Null: each photograph is its own subject.
   */
  subject: RegExp | null;
  /** Most photographs of the last part. */
  verify: number;
}

/** The photographs cannot be divided into parts that are large enough. */
export class SplitError extends Error {
  override readonly name = "SplitError";
}

const SHARES = { calibration: 0.3, search: 0.2 };
const MOST = { calibration: 300, search: 200 };
const LEAST = { calibration: 60, search: 40, verification: 100 };
/** Subjects of many photographs do not come out even. */
const NEARLY = 0.9;
const LEAST_PHOTOGRAPHS = LEAST.calibration + LEAST.search + LEAST.verification;

/**
 * Divides photographs, the same way each time, so that no photograph, no copy of one and no subject is in two parts.
 * @throws SplitError that says how many are needed
 */
export function split(candidates: readonly Candidate[], options: SplitOptions): Parts {
  const different = [...new Map(candidates.map((each) => [each.digest, each])).values()];
  const parts: Parts = { calibration: [], search: [], verification: [], unused: [] };
  const count = different.length;
  if (count < LEAST_PHOTOGRAPHS) throw tooFew(count);
  const calibration = Math.min(MOST.calibration, Math.floor(SHARES.calibration * count));
  const search = Math.min(MOST.search, Math.floor(SHARES.search * count));
  const verification = Math.min(options.verify, count - calibration - search);
  const wanted = { calibration, search, verification, unused: count - calibration - search - verification };

  for (const folder of strata(different, options).values()) {
    const dealt = { calibration: 0, search: 0, verification: 0, unused: 0 };
    let seen = 0;
    for (const subject of folder) {
      seen += subject.length;
      const short = (part: keyof Parts) => (wanted[part] / count) * seen - dealt[part];
      const names = Object.keys(dealt) as (keyof Parts)[];
      const part = names.reduce((most, name) => (short(name) > short(most) ? name : most));
      dealt[part] += subject.length;
      parts[part].push(...subject);
    }
  }
  const names = Object.keys(LEAST) as (keyof typeof LEAST)[];
  if (names.some((name) => parts[name].length < NEARLY * LEAST[name]))
    throw new SplitError(
      `The ${count} photographs show too few subjects to be divided: give more, or another --same-subject.`,
    );
  const used = new Set(different.map(({ file }) => file));
  parts.unused.push(...candidates.map(({ file }) => file).filter((file) => !used.has(file)));
  for (const files of Object.values(parts)) files.sort();
  return parts;
}

/** Subjects by folder, or all under one name, in an order that only the seed and their names decide. */
function strata(candidates: readonly Candidate[], { seed, byFolder, subject }: SplitOptions) {
  const subjects = new Map<string, string[]>();
  for (const { file } of candidates) {
    const name = file.split("/").at(-1)!;
    const key = subject?.exec(name)?.[1] ?? file;
    const files = subjects.get(key);
    if (files) files.push(file);
    else subjects.set(key, [file]);
  }
  const order = (key: string) => createHash("sha256").update(`${seed}:${key}`).digest("hex");
  const shuffled = [...subjects]
    .map(([key, files]) => ({ at: order(key), files }))
    .sort((a, b) => (a.at < b.at ? -1 : 1));
  return Map.groupBy(
    shuffled.map(({ files }) => files),
    ([file]) => (byFolder ? file!.split("/").slice(0, -1).join("/") : ""),
  );
}

function tooFew(count: number): SplitError {
  const { calibration, search, verification } = LEAST;
  return new SplitError(
    `${LEAST_PHOTOGRAPHS} different photographs are needed (${calibration} to measure ranges on, ${search} to ` +
      `search with, ${verification} to verify with; more are better), and there are ${count}.`,
  );
}
