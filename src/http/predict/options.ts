import { PinholeError } from "../../errors.ts";
import type { PredictOptions } from "../../inference/prediction.ts";
import { MODEL_REFERENCE_MAX, TIMEOUT_HEADER, TOP_K_MAX } from "../openapi/predict.ts";
import { asksStrict } from "../prefer.ts";
import { QueryReader } from "../query.ts";

/**
 * What the caller asks for, from query and headers alone.
 * @param query without the question mark
 * @throws PinholeError VALIDATION_FAILED with every mistake in `errors`
 */
export function readPredictOptions(query: string, headers: Headers): PredictOptions {
  const prefer = headers.get("prefer");
  const timeout = headers.get(TIMEOUT_HEADER);
  if (query === "" && prefer === null && timeout === null) return { ...DEFAULTS };
  const reader = new QueryReader(query);
  const options: PredictOptions = {
    // Whether there is such a model, the repository says: 404, with the names of those there are.
    model: reader.text(
      "model",
      (text) => text.length >= 1 && text.length <= MODEL_REFERENCE_MAX,
      `a model's name, or name/version, of 1 to ${MODEL_REFERENCE_MAX} characters`,
    ),
    topK: reader.integer("top_k", 1, TOP_K_MAX),
    minProb: reader.number("min_prob", 0, 1) ?? 0,
    explain: reader.boolean("explain") ?? false,
    strict: asksStrict(prefer),
    timeoutMs: reader.positiveHeader(TIMEOUT_HEADER, timeout),
  };
  reader.finish();
  return options;
}

const DEFAULTS: Readonly<PredictOptions> = {
  model: null,
  topK: null,
  minProb: 0,
  explain: false,
  strict: false,
  timeoutMs: null,
};

/** The declared size of a body in bytes (RFC 9110 section 8.6), or null. @throws PinholeError INVALID_REQUEST */
export function readContentLength(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d{1,15}$/.test(header)) return Number(header);
  throw new PinholeError("INVALID_REQUEST", "Content-Length must be a whole number of bytes.");
}

/** @throws PinholeError INVALID_REQUEST for a body that was compressed again on the way */
export function refuseContentEncoding(header: string | null): void {
  if (header === null || header.trim() === "" || header.trim().toLowerCase() === "identity") return;
  throw new PinholeError("INVALID_REQUEST", "Send the photograph as it is, without a Content-Encoding.");
}
