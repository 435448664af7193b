import { type Static, type TSchema, Type } from "@sinclair/typebox";
import type { Label } from "./labels.ts";
import { ManifestError, type Problem, shown } from "./problem.ts";
import { schemaProblems } from "./schema-problems.ts";

export { type Label, parseLabels } from "./labels.ts";
export { ManifestError } from "./problem.ts";

const strict = { additionalProperties: false } as const;

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
/** A plain file beside the manifest: nothing in it can lead out of its folder. */
const fileName = (description: string) =>
  Type.String({ pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$", description });
const sha256 = Type.String({
  pattern: "^[0-9a-f]{64}$",
  description: "64 lower-case hexadecimal characters",
});
const choice = <const T extends readonly string[]>(...values: T) =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))));
const share = Type.Number({ minimum: 0, maximum: 1 });
const perChannel = <T extends TSchema>(item: T) => Type.Tuple([item, item, item]);
const byte = Type.Integer({ minimum: 0, maximum: 255 });

/** `major.minor.patch` with an optional pre-release and build, https://semver.org. */
export const VERSION_PATTERN =
  "^(0|[1-9]\\d{0,8})\\.(0|[1-9]\\d{0,8})\\.(0|[1-9]\\d{0,8})(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?$";
export const NAME_PATTERN = "^[a-z0-9][a-z0-9._-]{0,99}$";

/** All that the server must know of a model. No field has a default: an unknown value is refused. */
export const ManifestSchema = Type.Object(
  {
    schema: Type.Literal(1),
    name: Type.String({
      pattern: NAME_PATTERN,
      description: "up to 100 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit",
    }),
    version: Type.String({ pattern: VERSION_PATTERN, description: "a semantic version such as 1.0.0" }),
    task: Type.Literal("classification"),
    description: Type.Optional(text(2000)),
    /** The ONNX file. */
    file: fileName("the plain name of the ONNX file beside this manifest"),
    /** Of the ONNX file. */
    sha256,
    /** Files that the ONNX file reads its weights from. Any that is not listed is refused. */
    external_data: Type.Optional(
      Type.Array(
        Type.Object({ file: fileName("the plain name of a file beside this manifest"), sha256 }, strict),
        { minItems: 1, maxItems: 1000 },
      ),
    ),
    input: Type.Object(
      {
        name: text(500),
        dtype: choice("float32", "float16", "uint8"),
        layout: choice("NCHW", "NHWC"),
        width: Type.Integer({ minimum: 1, maximum: 4096 }),
        height: Type.Integer({ minimum: 1, maximum: 4096 }),
        color: choice("RGB", "BGR"),
      },
      strict,
    ),
    resize: Type.Object(
      {
        fit: choice("cover", "contain", "stretch"),
        /** Share of the fitted picture that is kept, around its centre: 0.875 is "resize to 256, crop 224". */
        crop: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
        interpolation: choice("nearest", "bilinear", "bicubic", "lanczos"),
        /** Colour of the border that `contain` leaves, RGB. With `contain` and only with it. */
        background: Type.Optional(perChannel(byte)),
      },
      strict,
    ),
    /** (value * scale - mean) / std per channel, value 0..255, in the order of `input.color`. */
    normalize: Type.Object(
      {
        scale: Type.Number({ exclusiveMinimum: 0 }),
        mean: perChannel(Type.Number()),
        std: perChannel(Type.Number({ exclusiveMinimum: 0 })),
      },
      strict,
    ),
    outputs: Type.Object(
      {
        /** [N, classes], [N, classes, 1, 1] or [N, 1, 1, classes]; probabilities where `softmax` is true. */
        logits: Type.Object({ name: text(500), softmax: Type.Boolean() }, strict),
        /** [N] or [N, 1], 0..1: higher is less something that the model knows. */
        unknown_score: Type.Optional(Type.Object({ name: text(500) }, strict)),
        /** [N, classes, rows, columns]: where each class was seen. */
        activation_map: Type.Optional(Type.Object({ name: text(500) }, strict)),
      },
      strict,
    ),
    labels: fileName("the plain name of the labels file beside this manifest"),
    calibration: Type.Object(
      {
        /** Logits are divided by it before softmax. */
        temperature: Type.Number({ minimum: 0.001, maximum: 1000 }),
        /** First probability from which the status is HIGH. */
        high: share,
        /** First probability from which the status is MEDIUM. */
        medium: share,
        /** An unknown score above it is LOW. */
        unknown: Type.Optional(share),
      },
      strict,
    ),
    batch: Type.Object(
      {
        max_size: Type.Integer({ minimum: 1, maximum: 256 }),
        max_wait_ms: Type.Number({ minimum: 0, maximum: 1000 }),
      },
      strict,
    ),
    /** How the runtime runs the graph. Where it says nothing: one thread, every optimisation. */
    execution: Type.Optional(
      Type.Object(
        {
          /** Of each session, so of each worker: more than one pays only where there are fewer workers than cores. */
          threads: Type.Integer({ minimum: 1, maximum: 64 }),
          /** https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html */
          graph_optimization: choice("disabled", "basic", "extended", "all"),
        },
        strict,
      ),
    ),
    accuracy: Type.Optional(
      Type.Object({ top1: share, images: Type.Integer({ minimum: 1 }), dataset: text(500) }, strict),
    ),
    license: text(500),
  },
  strict,
);

export type Manifest = Static<typeof ManifestSchema>;

/** One version of a model on disk, checked: manifest valid, digests right, labels read. */
export interface Model {
  manifest: Manifest;
  /** In the order of the logits. */
  labels: readonly Label[];
  /** Absolute path of the ONNX file. */
  path: string;
  /** "<name>/<version>": what messages, metrics and batches call it. */
  key: string;
  /** SHA-256 over model file digest and canonical manifest and labels: changes when any answer could change. */
  digest: string;
}

/**
 * Checks a manifest as it was read from JSON.
 * @throws ManifestError naming every mistake at once
 */
export function parseManifest(json: unknown): Manifest {
  const problems = schemaProblems(ManifestSchema, json);
  // Rules across fields only make sense once every field is what it says.
  if (problems.length === 0) problems.push(...crossFieldProblems(json as Manifest));
  if (problems.length > 0) throw new ManifestError("manifest.json", problems);
  return json as Manifest;
}

function crossFieldProblems(manifest: Manifest): Problem[] {
  const { input, resize, normalize, outputs, calibration } = manifest;
  const problems: Problem[] = [];
  const refuse = (field: string, expected: string, received: unknown) => {
    problems.push({ field, expected, received: shown(received) });
  };

  if (resize.fit === "contain") {
    if (!resize.background)
      refuse("resize.background", "the border's colour, as resize.fit is contain", undefined);
    if (resize.crop !== 1) refuse("resize.crop", "1, as resize.fit is contain", resize.crop);
  } else if (resize.background) {
    refuse("resize.background", `nothing, as resize.fit is ${resize.fit}`, resize.background);
  }

  if (input.dtype === "uint8") {
    const why = "as input.dtype is uint8";
    if (normalize.scale !== 1) refuse("normalize.scale", `1, ${why}`, normalize.scale);
    if (normalize.mean.some((mean) => mean !== 0))
      refuse("normalize.mean", `[0,0,0], ${why}`, normalize.mean);
    if (normalize.std.some((std) => std !== 1)) refuse("normalize.std", `[1,1,1], ${why}`, normalize.std);
  }

  if (calibration.medium > calibration.high) {
    refuse("calibration.medium", `at most calibration.high (${calibration.high})`, calibration.medium);
  }
  if (outputs.unknown_score && calibration.unknown === undefined) {
    refuse("calibration.unknown", "a threshold, as there is outputs.unknown_score", undefined);
  }
  if (!outputs.unknown_score && calibration.unknown !== undefined) {
    refuse("calibration.unknown", "nothing, as there is no outputs.unknown_score", calibration.unknown);
  }

  const names = new Set<string>();
  for (const [role, output] of Object.entries(outputs)) {
    if (names.has(output.name))
      refuse(`outputs.${role}.name`, "an output that no other role has", output.name);
    names.add(output.name);
  }

  const files = new Set(["manifest.json", manifest.file]);
  if (manifest.file === "manifest.json") refuse("file", "a file of its own", manifest.file);
  if (files.has(manifest.labels)) refuse("labels", "a file of its own", manifest.labels);
  files.add(manifest.labels);
  manifest.external_data?.forEach(({ file }, index) => {
    if (files.has(file)) refuse(`external_data.${index}.file`, "a file of its own", file);
    files.add(file);
  });
  return problems;
}
