import { Type } from "@sinclair/typebox";
import { CATALOGUE } from "../../errors.ts";
import { IMAGE_FORMATS, QUALITY_ISSUES } from "../../inference/image.ts";
import {
  closed,
  hexId,
  name,
  oneOf,
  orNull,
  requestId,
  sha256,
  share,
  Timings,
  version,
} from "./schema-words.ts";

const Prediction = Type.Object(
  {
    class_id: Type.String(),
    class_name: Type.String(),
    prob: Type.Number({ minimum: 0, maximum: 1, description: "Calibrated probability." }),
    description: orNull(Type.String()),
    advice: orNull(Type.String()),
  },
  closed,
);

const ImageOk = Type.Object(
  {
    filename: orNull(Type.String({ maxLength: 100 })),
    status: Type.Literal("ok"),
    format: oneOf(IMAGE_FORMATS),
    width: Type.Integer({ minimum: 1, description: "Pixels of the picture upright." }),
    height: Type.Integer({ minimum: 1 }),
    predictions: Type.Array(Prediction),
    unknown: orNull(
      Type.Boolean({
        description:
          "Whether this photograph shows something that the model does not know; null: this model can't tell.",
      }),
    ),
    quality: Type.Object(
      { sharpness: share, brightness: share, issues: Type.Array(oneOf(QUALITY_ISSUES)) },
      closed,
    ),
    explanation: orNull(
      Type.Object(
        {
          grid: Type.Array(Type.Array(share), {
            description:
              "Where the network looked for this photograph's first prediction: 0..1 of the strongest place, row by row, over the part that the model saw (of most models the centre square).",
          }),
          overlay: orNull(
            Type.String({
              pattern: "^data:image/png;base64,",
              description:
                "That part of the photograph, at most 224 pixels long, under the grid: a data URL.",
            }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

const ImageError = Type.Object(
  {
    filename: orNull(Type.String({ maxLength: 100 })),
    status: Type.Literal("error"),
    error: Type.Object(
      {
        error: oneOf(Object.keys(CATALOGUE)),
        status: Type.Integer({ minimum: 400, maximum: 599 }),
        title: Type.String(),
        detail: Type.String(),
        message: Type.String(),
      },
      { additionalProperties: true, description: "The members of the code stand beside these." },
    ),
  },
  closed,
);

export const Answer = Type.Object(
  {
    request_id: requestId,
    prediction_id: hexId,
    model: Type.Object({ name, version, sha256 }, closed),
    predictions: Type.Array(Prediction, { minItems: 1 }),
    confidence_status: oneOf(["HIGH", "MEDIUM", "LOW"]),
    retake_message: orNull(Type.String()),
    images: Type.Array(Type.Union([ImageOk, ImageError]), { minItems: 1 }),
    cached: Type.Boolean(),
    fallback: Type.Optional(
      Type.Literal(true, { description: "Inference failed and this stands in for an answer." }),
    ),
    timings_ms: Timings,
  },
  closed,
);

export const Problem = Type.Object(
  {
    type: Type.String({ pattern: "^urn:pinhole:problem:" }),
    title: Type.String(),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String(),
    instance: Type.String(),
    error: oneOf(Object.keys(CATALOGUE)),
    message: Type.String({ description: "The same text as detail." }),
    request_id: requestId,
    retry_after_seconds: Type.Optional(Type.Integer({ minimum: 1 })),
    limit: Type.Optional(Type.Number()),
    errors: Type.Optional(
      Type.Array(
        Type.Object({ path: Type.String(), expected: Type.String(), received: Type.String() }, closed),
        { minItems: 1 },
      ),
    ),
    file_size_mb: Type.Optional(orNull(Type.Number())),
    max_size_mb: Type.Optional(Type.Number()),
    filename: Type.Optional(orNull(Type.String())),
    allowed: Type.Optional(Type.Array(Type.String())),
    content_type: Type.Optional(orNull(Type.String())),
    extension: Type.Optional(orNull(Type.String())),
    detected: Type.Optional(orNull(Type.String())),
  },
  { additionalProperties: true, description: "RFC 9457; further members depend on the code." },
);
