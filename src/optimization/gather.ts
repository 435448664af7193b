import { createHash } from "node:crypto";
import { join } from "node:path";
import { PinholeError } from "../errors.ts";
import { photographs } from "../evaluation/photographs.ts";
import { type ImageLimits, validateImage } from "../inference/validate.ts";
import type { Candidate } from "./split.ts";

/**
 * Every photograph below a folder that the server would take, by its header, with its digest.
 * @returns with those that it would refuse, as "<file>: <why>"
 * @throws Error of node:fs
 */
export async function gather(
  directory: string,
  limits: ImageLimits,
): Promise<{ candidates: Candidate[]; refused: string[] }> {
  const candidates: Candidate[] = [];
  const refused: string[] = [];
  for (const file of await photographs(directory)) {
    const bytes = await Bun.file(join(directory, file)).bytes();
    try {
      validateImage({ bytes, filename: null, contentType: null }, limits);
    } catch (thrown) {
      if (!(thrown instanceof PinholeError)) throw thrown;
      refused.push(`${file}: ${thrown.detail}`);
      continue;
    }
    candidates.push({ file, digest: createHash("sha256").update(bytes).digest("hex") });
  }
  return { candidates, refused };
}
