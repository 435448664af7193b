import type { PredictionRow } from "../src/recording/row.ts";

/** A whole row, different for each `n`, made `n` ms after the start of 2026. */
export function sampleRow(n: number, changes: Partial<PredictionRow> = {}): PredictionRow {
  return {
    id: n.toString(16).padStart(32, "0"),
    createdAt: Date.UTC(2026, 0, 1) + n,
    requestId: `request-${n}`,
    modelName: "leaf-disease",
    modelVersion: "1.0.0",
    modelSha256: "ab".repeat(32),
    clientHash: "cd".repeat(16),
    imageCount: 1,
    imageDigests: ["ef".repeat(32)],
    classId: "tomato_late_blight",
    prob: 0.5,
    confidence: "HIGH",
    outcome: "ok",
    cached: false,
    error: null,
    timings: { read: 0.25, decode: 1.5, infer: 2, total: 4 },
    totalMs: 4,
    ...changes,
  };
}
