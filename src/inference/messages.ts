import type { Failure } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import type { Quality } from "./image.ts";

/**
 * Everything that main thread and workers say to each other. Image tensors are transferred, never copied:
 * a run hands their buffers over, and the answer hands them back whole.
 */
export type ToWorker =
  /** First message: open a session for each model, warm it, answer `ready` or `load_failed`. */
  | { kind: "load"; models: Model[] }
  | { kind: "run"; batch: number; model: string; images: WireImage[] }
  /** Memory is short: give back what is not used. */
  | { kind: "collect" }
  /** Asks an idle worker to release its sessions and exit 0. Never `terminate()`: see docs/decisions. */
  | { kind: "leave" };

/** One row of a batch. */
export interface WireImage {
  /** RGB u8 [height, width, 3] at its beginning; what may follow is passed over. */
  data: ArrayBuffer;
  width: number;
  height: number;
  /** Whether the activation map of the first prediction is wanted. */
  explain: boolean;
}

export type FromWorker =
  /** Every model is loaded, warm and timed; by model key. */
  | { kind: "ready"; models: Record<string, LoadedModel> }
  | { kind: "load_failed"; failure: Failure }
  | {
      kind: "done";
      batch: number;
      /** As many as the run had images, in their order. */
      rows: RowOutcome[];
      preprocessMs: number;
      inferMs: number;
      /** The image tensors' buffers, given back. */
      buffers: ArrayBuffer[];
    };

/** What a worker found out about a model while it warmed it. */
export interface LoadedModel {
  /** The most rows that the graph takes at once. */
  maxBatch: number;
  /** Of a run with one row. */
  singleMs: number;
  /** Of a run with `maxBatch` rows, divided by them. */
  rowMs: number;
}

/** What one row came to; a bad row never spoils its batch. */
export type RowOutcome = { ok: true; row: RawRow } | { ok: false; failure: Failure };

/** One row of the network's answer, before softmax and calibration. */
export interface RawRow {
  /** [classes], as the graph gave them (logits, or probabilities where the manifest says `softmax`). */
  logits: Float32Array;
  /** 0..1, higher: less something that the model knows. Null where the graph has no such output. */
  unknownScore: number | null;
  /** Of the first class. Null unless asked for and there. */
  activationMap: ActivationMap | null;
  quality: Quality;
}

/** Where the network looked for one class: [rows, columns] row by row, unscaled. */
export interface ActivationMap {
  data: Float32Array;
  rows: number;
  columns: number;
}
