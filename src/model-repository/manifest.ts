/** STUB of the types; the owner of this file adds the schema and `parseManifest`. */
export interface Manifest {
  schema: 1;
  name: string;
  version: string;
  task: "classification";
  description: string;
  file: string;
  sha256: string;
  external_data?: { file: string; sha256: string }[];
  input: {
    name: string;
    dtype: "float32" | "float16" | "uint8";
    layout: "NCHW" | "NHWC";
    width: number;
    height: number;
    color: "RGB" | "BGR";
  };
  resize: {
    fit: "cover" | "contain" | "stretch";
    /** Share of the fitted picture that is kept, around its centre: 0.875 is "resize to 256, crop 224". */
    crop: number;
    interpolation: "nearest" | "bilinear" | "bicubic" | "lanczos";
    /** Colour of the border that `contain` leaves, RGB 0..255. Only with `contain`. */
    background?: [number, number, number];
  };
  /** (value * scale - mean) / std per channel, in the order of `input.color`. */
  normalize: { scale: number; mean: [number, number, number]; std: [number, number, number] };
  outputs: {
    logits: { name: string; softmax: boolean };
    unknown_score?: { name: string };
    activation_map?: { name: string };
  };
  labels: string;
  calibration: { temperature: number; high: number; medium: number; unknown?: number };
  batch: { max_size: number; max_wait_ms: number };
  accuracy?: { top1: number; images: number; dataset: string };
  license: string;
}

export interface Label {
  class_id: string;
  class_name: string;
  description?: string;
  advice?: string;
}

/** One version of a model on disk, checked: manifest valid, digest right, labels read. */
export interface Model {
  manifest: Manifest;
  labels: readonly Label[];
  /** Absolute path of the ONNX file. */
  path: string;
  /** "<name>/<version>": what messages, metrics and batches call it. */
  key: string;
  /** SHA-256 over model file digest and canonical manifest and labels: changes when any answer could change. */
  digest: string;
}
