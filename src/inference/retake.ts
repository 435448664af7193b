import { QUALITY_ISSUES, type QualityIssue } from "./image.ts";
import type { ConfidenceStatus } from "./prediction.ts";

const ADVICE: Record<QualityIssue, string> = {
  too_dark: "The photograph is too dark: take it in daylight, or with more light on the subject.",
  too_bright: "The photograph is too bright: keep it out of direct sun, and switch the flash off.",
  blurred: "The photograph is blurred: hold the camera still, and let it focus before you take it.",
  too_small: "The photograph is too small: go closer, or send it in its full size.",
};

const UNKNOWN =
  "This looks like it is not something this model knows: photograph the subject that it was made for, alone and filling the frame.";
const UNSURE =
  "The model is not sure: take another photograph of the subject, sharp, in even light and filling the frame.";
const FALLBACK = "The photograph could not be judged just now: please send it again in a moment.";

/**
 * What a person can do to get a better answer; null unless the confidence is LOW.
 *
 * What is wrong with the photograph comes first, light before focus before size: it can be put right at once, and
 * a dark or blurred picture of something known easily passes for something unknown. Then whether it is unknown.
 * @param why.issues of all photographs that were judged, in any order
 */
export function retakeMessage(
  status: ConfidenceStatus,
  why: { unknown: boolean; issues: readonly QualityIssue[] },
): string | null {
  if (status !== "LOW") return null;
  const sentences = QUALITY_ISSUES.filter((issue) => why.issues.includes(issue)).map(
    (issue) => ADVICE[issue],
  );
  if (why.unknown) sentences.push(UNKNOWN);
  return sentences.length > 0 ? sentences.join(" ") : UNSURE;
}

/** Stands with the answer that is given when inference failed. */
export function fallbackRetakeMessage(): string {
  return FALLBACK;
}
