/** The stations of the server's walk, in order, as `Server-Timing` names them; `total` is the whole of it. */
export const STAGES = [
  "limit",
  "admit",
  "read",
  "validate",
  "cache",
  "decode",
  "queue",
  "preprocess",
  "infer",
  "postprocess",
] as const;

export type Stage = (typeof STAGES)[number];
