import { Type } from "@sinclair/typebox";
import { closed, name, oneOf, orNull, sha256, share, version } from "./schema-words.ts";

const modelHead = {
  name,
  version,
  type: Type.Literal("classification"),
  description: orNull(Type.String()),
  state: oneOf(["ready", "not_ready"]),
  default: Type.Boolean(),
  sha256,
};

export const ModelSummary = Type.Object({ ...modelHead, classes: Type.Integer({ minimum: 2 }) }, closed);

const triple = Type.Array(Type.Number(), { minItems: 3, maxItems: 3 });

export const Model = Type.Object(
  {
    ...modelHead,
    classes: Type.Array(
      Type.Object(
        {
          class_id: Type.String(),
          class_name: Type.String(),
          description: orNull(Type.String()),
          advice: orNull(Type.String()),
        },
        closed,
      ),
      { minItems: 2 },
    ),
    input: Type.Object(
      {
        name: Type.String(),
        dtype: oneOf(["float32", "float16", "uint8"]),
        layout: oneOf(["NCHW", "NHWC"]),
        width: Type.Integer({ minimum: 1 }),
        height: Type.Integer({ minimum: 1 }),
        color: oneOf(["RGB", "BGR"]),
      },
      closed,
    ),
    preprocessing: Type.Object(
      {
        fit: oneOf(["cover", "contain", "stretch"]),
        crop: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
        interpolation: oneOf(["nearest", "bilinear", "bicubic", "lanczos"]),
        background: orNull(triple),
        scale: Type.Number(),
        mean: triple,
        std: triple,
      },
      closed,
    ),
    thresholds: Type.Object(
      {
        temperature: Type.Number({ exclusiveMinimum: 0 }),
        high: share,
        medium: share,
        unknown: orNull(share),
      },
      closed,
    ),
    explain: Type.Boolean({ description: "Whether the model can say where it looked." }),
    accuracy: orNull(
      Type.Object({ top1: share, images: Type.Integer({ minimum: 1 }), dataset: Type.String() }, closed),
    ),
    license: Type.String(),
  },
  closed,
);

export const ModelList = Type.Object({ models: Type.Array(ModelSummary) }, closed);
export const ModelVersions = Type.Object(
  { name, versions: Type.Array(ModelSummary, { minItems: 1 }) },
  closed,
);
