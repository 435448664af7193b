import { QUALITY_ISSUES, type QualityIssue } from "./image.ts";

const ADVICE: Record<QualityIssue, string> = {
  too_dark: "The photograph is too dark: take it in daylight, or with more light on the subject.",
  too_bright: "The photograph is too bright: keep it out of direct sun, and switch the flash off.",
  blurred: "The photograph is blurred: hold the camera still, and let it focus before you take it.",
  too_small: "The photograph is too small: go closer, or send it in its full size.",
};

const UNKNOWN =
  "This looks like it is not something this model knows: photograph the subject that it was made for, alone and filling the frame.";
const LEAVE_OUT = {
  one: (number: string, of: number) =>
    `Photograph ${number} of ${of} looks like it is not something this model knows: send the others without it.`,
  several: (numbers: string, of: number) =>
    `Photographs ${numbers} of ${of} look like they are not something this model knows: send the others without them.`,
};
const UNSURE =
  "The model is not sure: take another photograph of the subject, sharp, in even light and filling the frame.";
const FALLBACK = "The photograph could not be judged just now: please send it again in a moment.";

/**
 * What a person can do to get a better answer than one of LOW confidence.
 *
 * What is wrong with the photograph comes first, light before focus before size: it can be put right at once, and
 * a dark or blurred picture of something known easily passes for something unknown. Then what is unknown: all that
 * was sent, or some photographs among others.
 * @param why.issues of all photographs that were judged, in any order
 * @param why.unknown all of them together
 * @param why.strangers numbers, from 1, of the photographs that are unknown by themselves, where others are not
 * @param why.sent how many photographs there were
 */
export function retakeMessage(why: {
  unknown: boolean;
  strangers: readonly number[];
  sent: number;
  issues: readonly QualityIssue[];
}): string {
  const sentences = QUALITY_ISSUES.filter((issue) => why.issues.includes(issue)).map(
    (issue) => ADVICE[issue],
  );
  if (why.strangers.length > 0) {
    const say = why.strangers.length === 1 ? LEAVE_OUT.one : LEAVE_OUT.several;
    sentences.push(say(new Intl.ListFormat("en").format(why.strangers.map(String)), why.sent));
  } else if (why.unknown) sentences.push(UNKNOWN);
  return sentences.length > 0 ? sentences.join(" ") : UNSURE;
}

/** Stands with the answer that is given when inference failed. */
export function fallbackRetakeMessage(): string {
  return FALLBACK;
}
