import type { DocumentDecoration } from "elysia";
import { CATALOGUE, type ErrorCode } from "../../errors.ts";
import { PROBLEM_TYPE } from "../problem.ts";
import type { SchemaName } from "./schemas.ts";

/** An OpenAPI 3.1 object. Elysia's own types know 3.0 only. */
export type OpenApi = { [member: string]: unknown };

export interface OperationSpec {
  /** Names the operation for links and for generated clients. */
  operationId: string;
  summary: string;
  description?: string;
  tags: readonly string[];
  parameters?: readonly OpenApi[];
  requestBody?: OpenApi;
  /** Answers by status, failures left out. */
  responses: Record<number, OpenApi>;
  /** What can be refused here, beside what every route can answer. */
  failures?: readonly ErrorCode[];
  /** Limited routes carry the limit's headers and may answer 429. */
  limited?: boolean;
  /** Wants the operator's token; may answer 401 and 429. */
  operator?: boolean;
  /** Answers whatever host is named. */
  anyHost?: boolean;
}

const OPERATOR: readonly ErrorCode[] = ["UNAUTHENTICATED", "RATE_LIMIT_EXCEEDED"];

/** What an operation says of itself, for a route's `detail`; failures are read from the catalogue. */
export function operation(spec: OperationSpec): DocumentDecoration {
  const { failures = [], limited = false, operator = false, anyHost = false, responses, ...rest } = spec;
  const codes = new Set<ErrorCode>([
    ...failures,
    ...(limited ? (["RATE_LIMIT_EXCEEDED"] as const) : []),
    ...(operator ? OPERATOR : []),
    ...(anyHost ? [] : (["HTTPS_REQUIRED", "MISDIRECTED_REQUEST"] as const)),
    "INTERNAL_ERROR",
  ]);
  const answered = Object.fromEntries(
    Object.entries(responses).map(([status, response]) => [
      status,
      { ...response, headers: { ...headersOf([], limited), ...(response.headers as OpenApi | undefined) } },
    ]),
  );
  return {
    ...rest,
    ...(operator ? { security: [{ operatorToken: [] }] } : {}),
    parameters: [...(rest.parameters ?? []), { $ref: "#/components/parameters/RequestId" }],
    responses: { ...answered, ...failureResponses([...codes], limited) },
  } as unknown as DocumentDecoration;
}

/** Catalogue codes as OpenAPI responses by status, each naming the codes that it can carry. */
export function failureResponses(codes: readonly ErrorCode[], limited: boolean): Record<number, OpenApi> {
  const responses: Record<number, OpenApi> = {};
  for (const [status, group] of Map.groupBy(codes, (code) => CATALOGUE[code].status)) {
    responses[status] = {
      description: group.map((code) => `\`${code}\`: ${CATALOGUE[code].title}.`).join("\n\n"),
      headers: headersOf(group, limited),
      content: {
        [PROBLEM_TYPE]: {
          schema: {
            allOf: [
              { $ref: "#/components/schemas/Problem" },
              { type: "object", properties: { status: { const: status }, error: { enum: group } } },
            ],
          },
        },
      },
    };
  }
  return responses;
}

/** Where an answer's members lead: the operation, and each of its parameters by a pointer into the body. */
export const link = (operationId: string, parameters: Record<string, string>): OpenApi => ({
  operationId,
  parameters: Object.fromEntries(
    Object.entries(parameters).map(([name, pointer]) => [name, `$response.body#${pointer}`]),
  ),
});

/** A JSON answer of a named schema. */
export const jsonResponse = (
  description: string,
  schema: SchemaName,
  more: { headers?: OpenApi; links?: OpenApi } = {},
): OpenApi => ({
  description,
  ...more,
  content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } },
});

const headerRef = (name: string) => ({ $ref: `#/components/headers/${name}` });

function headersOf(codes: readonly ErrorCode[], limited: boolean): OpenApi {
  const waits = codes.some((code) => CATALOGUE[code].status === 429 || CATALOGUE[code].status === 503);
  return {
    "X-Request-Id": headerRef("RequestId"),
    ...(waits ? { "Retry-After": headerRef("RetryAfter") } : {}),
    ...(codes.includes("UNAUTHENTICATED") ? { "WWW-Authenticate": headerRef("WwwAuthenticate") } : {}),
    ...(limited ? LIMIT_HEADERS : {}),
  };
}

/** Absent where limits are switched off, and on refusals that come before the limit is asked. */
const LIMIT_HEADERS: OpenApi = {
  "RateLimit-Policy": headerRef("RateLimitPolicy"),
  RateLimit: headerRef("RateLimit"),
  "X-RateLimit-Limit": headerRef("XRateLimitLimit"),
  "X-RateLimit-Remaining": headerRef("XRateLimitRemaining"),
  "X-RateLimit-Reset": headerRef("XRateLimitReset"),
};
