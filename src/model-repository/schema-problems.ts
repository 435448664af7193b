import type { TSchema } from "@sinclair/typebox";
import { Value, ValueErrorType } from "@sinclair/typebox/value";
import { type Problem, shown } from "./problem.ts";

/** Every place where `value` is not what `schema` says; none when it is. */
export function schemaProblems(schema: TSchema, value: unknown): Problem[] {
  const problems = new Map<string, Problem>();
  for (const error of Value.Errors(schema, value)) {
    const field = dotted(error.path);
    // A missing field is reported twice, as missing and as the wrong type: the first is enough.
    if (problems.has(field)) continue;
    const unknownKey = error.type === ValueErrorType.ObjectAdditionalProperties;
    const expected = unknownKey
      ? `no such field (known are ${Object.keys(error.schema.properties).join(", ")})`
      : allowed(error.schema);
    problems.set(field, { field, expected, received: shown(error.value) });
  }
  return [...problems.values()];
}

/** "/input/width" (RFC 6901) as "input.width". */
function dotted(pointer: string): string {
  if (pointer === "") return "(the whole file)";
  const parts = pointer.slice(1).split("/");
  return parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~")).join(".");
}

/** What a schema allows, in words. */
function allowed(schema: TSchema): string {
  if (schema.description) return schema.description;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf) return `one of ${schema.anyOf.map(allowed).join(", ")}`;
  switch (schema.type) {
    case "integer":
    case "number":
      return [schema.type === "integer" ? "a whole number" : "a number", ...bounds(schema)].join(" ");
    case "string":
      return `a text of ${schema.minLength ?? 0} to ${schema.maxLength ?? "any number of"} characters`;
    case "boolean":
      return "true or false";
    case "array": {
      const { items, minItems, maxItems } = schema;
      if (Array.isArray(items)) return `a list of ${items.length}, each ${allowed(items[0])}`;
      return `a list of ${minItems ?? 0} to ${maxItems ?? "any number of"} items`;
    }
    case "object":
      return `an object with ${Object.keys(schema.properties).join(", ")}`;
    default:
      return "something else";
  }
}

function bounds(schema: TSchema): string[] {
  const words: string[] = [];
  if (schema.exclusiveMinimum !== undefined) words.push(`above ${schema.exclusiveMinimum}`);
  if (schema.minimum !== undefined) words.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) words.push(`up to ${schema.maximum}`);
  return words;
}
