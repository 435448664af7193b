/** The five likeliest classes of one photograph, best first. */
export type TopFive = readonly { class_id: string; prob: number }[];

/** How alike two servers answer. */
export interface Agreement {
  photographs: number;
  /** How often both name the same class first. */
  sameFirst: number;
  /** How often what one names first the other gives nearly as much as its own first: no matter which of two wins. */
  levelFirst: number;
}

/** Of classes whose probabilities are closer than this share of one another neither is the likelier. */
const LEVEL = 0.95;
/** OpenCV's pixels differ by more than a level on average: with random weights classes lie close together. */
const LEAST_ALIKE_SHARE = 0.5;

/** @param ours, theirs of the same photographs, in the same order */
export function agreement(ours: readonly TopFive[], theirs: readonly TopFive[]): Agreement {
  const pairs = ours.map((our, i) => ({ our, first: theirs[i]?.[0]?.class_id }));
  return {
    photographs: ours.length,
    sameFirst: pairs.filter(({ our, first }) => our[0]!.class_id === first).length,
    levelFirst: pairs.filter(({ our, first }) => {
      const same = our.find(({ class_id }) => class_id === first);
      return same !== undefined && same.prob >= LEVEL * our[0]!.prob;
    }).length,
  };
}

/** Whether servers that agree so much do the same work. @param pixels what their decoders and resizes make */
export function isSameWork(
  { photographs, sameFirst, levelFirst }: Agreement,
  pixels: "same" | "alike",
): boolean {
  return pixels === "same" ? levelFirst === photographs : sameFirst >= LEAST_ALIKE_SHARE * photographs;
}

/** @throws Error when it is no answer with five classes */
export function parseAnswer(json: unknown): TopFive {
  const { predictions } = json as { predictions?: TopFive };
  const isWhole =
    Array.isArray(predictions) &&
    predictions.length === 5 &&
    predictions.every(({ class_id, prob }) => typeof class_id === "string" && prob >= 0 && prob <= 1);
  if (!isWhole) throw new Error(`not an answer: ${JSON.stringify(json).slice(0, 200)}`);
  return predictions;
}
