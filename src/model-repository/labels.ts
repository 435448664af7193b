import { type Static, Type } from "@sinclair/typebox";
import { ManifestError, shown } from "./problem.ts";
import { schemaProblems } from "./schema-problems.ts";

const LabelSchema = Type.Object(
  {
    class_id: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
      description:
        "up to 100 letters, digits, dots, underscores and hyphens, beginning with a letter or digit",
    }),
    class_name: Type.String({ minLength: 1, maxLength: 200 }),
    description: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
    /** What a person should do about it. */
    advice: Type.Optional(Type.String({ minLength: 1, maxLength: 2000 })),
  },
  { additionalProperties: false },
);

const LabelsSchema = Type.Array(LabelSchema, { minItems: 2, maxItems: 100_000 });

export type Label = Static<typeof LabelSchema>;

/** The class of the answer that stands in when inference fails: no model may use it for something else. */
const RESERVED_CLASS_ID = "error";

/**
 * Checks labels as they were read from JSON: a list in the order of the logits, class ids unique.
 * @throws ManifestError naming every mistake at once
 */
export function parseLabels(json: unknown): Label[] {
  const problems = schemaProblems(LabelsSchema, json);
  if (problems.length === 0) {
    const first = new Map<string, number>();
    (json as Label[]).forEach(({ class_id: id }, index) => {
      const field = `${index}.class_id`;
      const taken = first.get(id);
      if (id === RESERVED_CLASS_ID) {
        problems.push({
          field,
          expected: `anything but "error", which failed inference uses`,
          received: shown(id),
        });
      } else if (taken !== undefined) {
        problems.push({ field, expected: `an id that entry ${taken} does not have`, received: shown(id) });
      } else {
        first.set(id, index);
      }
    });
  }
  if (problems.length > 0) throw new ManifestError("labels.json", problems);
  return json as Label[];
}
