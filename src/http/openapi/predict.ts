import type { Config } from "../../settings.ts";
import { jsonResponse, link, operation } from "./operation.ts";

/** Characters; no name and version are as long. */
export const MODEL_REFERENCE_MAX = 200;
/** Past any model; how many classes a model has is for the walk to check. */
export const TOP_K_MAX = 1_000_000;

export const TIMEOUT_HEADER = "X-Request-Timeout-Ms";

/** The predict route's place in the document; bounds are the settings'. */
export function predictOperation(config: Config) {
  const binary = { type: "string", format: "binary" };
  return operation({
    operationId: "predict",
    tags: ["predict"],
    summary: "Classify one subject from one or more photographs",
    description: `One to ${config.requestMaxImages} photographs of the same subject, at most ${config.imageMaxBytes} bytes each and ${config.requestMaxBytes} bytes together, as multipart fields \`file\` or \`files\` or as the body itself. One bad photograph never spoils the others: it gets its own \`status: "error"\`; only when none can be used is the whole request refused. The same parameter twice is refused; unknown ones are ignored.`,
    parameters: [
      {
        name: "model",
        in: "query",
        description: "name or name/version; the default model otherwise.",
        schema: {
          type: "string",
          minLength: 1,
          maxLength: MODEL_REFERENCE_MAX,
        },
      },
      {
        name: "top_k",
        in: "query",
        description: "Most classes to answer, 1 to as many as the model has; up to five otherwise.",
        schema: { type: "integer", minimum: 1, maximum: TOP_K_MAX },
      },
      {
        name: "min_prob",
        in: "query",
        description: "Classes below it are left out; the first one never is.",
        schema: { type: "number", minimum: 0, maximum: 1, default: 0 },
      },
      {
        name: "explain",
        in: "query",
        description: "Whether to say where the network looked, for models that can.",
        schema: { type: "boolean", default: false },
      },
      {
        name: "Prefer",
        in: "header",
        description:
          "`handling=strict` (RFC 7240): a failed inference is answered by its 5xx instead of a fallback answer.",
        schema: { type: "string" },
        example: "handling=strict",
      },
      {
        name: TIMEOUT_HEADER,
        in: "header",
        description: `Milliseconds to answer in once the last byte has come; past them the answer is 504. The server's own ${config.deadlineMs} ms where it is more or missing.`,
        schema: { type: "integer", minimum: 1 },
        example: config.deadlineMs,
      },
    ],
    requestBody: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: {
            type: "object",
            properties: {
              file: binary,
              files: { type: "array", items: binary, minItems: 1, maxItems: config.requestMaxImages },
            },
            anyOf: [{ required: ["file"] }, { required: ["files"] }],
          },
        },
        ...Object.fromEntries(config.imageTypes.map((type) => [`image/${type}`, { schema: binary }])),
        "application/octet-stream": { schema: binary },
      },
    },
    responses: {
      200: jsonResponse("The answer; `fallback: true` where it stands in for a failed inference.", "Answer", {
        headers: {
          "Server-Timing": { $ref: "#/components/headers/ServerTiming" },
          "Preference-Applied": { $ref: "#/components/headers/PreferenceApplied" },
        },
        links: { record: link("readPrediction", { prediction_id: "/prediction_id" }) },
      }),
    },
    limited: true,
    failures: [
      "INVALID_REQUEST",
      "NO_IMAGE",
      "EMPTY_IMAGE",
      "UNSUPPORTED_IMAGE_TYPE",
      "MODEL_NOT_FOUND",
      "REQUEST_TIMEOUT",
      "FILE_TOO_LARGE",
      "INVALID_IMAGE",
      "TOO_MANY_PIXELS",
      "TOO_MANY_SCANS",
      "VALIDATION_FAILED",
      "INFERENCE_FAILED",
      "OVERLOADED",
      "DRAINING",
      "MODEL_NOT_READY",
      "DEADLINE_EXCEEDED",
    ],
  });
}
