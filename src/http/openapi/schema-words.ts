import { type TSchema, Type } from "@sinclair/typebox";
import { NAME_PATTERN, VERSION_PATTERN } from "../../model-repository/manifest.ts";
import { STAGES } from "../../telemetry/stages.ts";

/** What the schemas of several answers are made of. */

export const closed = { additionalProperties: false } as const;
export const oneOf = (values: readonly string[]) => Type.Union(values.map((value) => Type.Literal(value)));
export const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()]);
export const count = Type.Integer({ minimum: 0 });
export const share = Type.Number({ minimum: 0, maximum: 1 });
export const sha256 = Type.String({ pattern: "^[0-9a-f]{64}$" });
export const hexId = Type.String({ pattern: "^[0-9a-f]{32}$" });
export const requestId = Type.String({ pattern: "^[A-Za-z0-9._-]{1,64}$" });
export const time = Type.String({ format: "date-time" });
export const name = Type.String({ pattern: NAME_PATTERN });
export const version = Type.String({ pattern: VERSION_PATTERN });

export const Timings = Type.Object(
  Object.fromEntries(
    [...STAGES, "total"].map((stage) => [stage, Type.Optional(Type.Number({ minimum: 0 }))]),
  ),
  { ...closed, description: "Milliseconds per stage; a stage that did not run is absent." },
);
