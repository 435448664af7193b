import { NotFoundError, ParseError, ValidationError } from "elysia";
import { CATALOGUE, type ErrorCode, type Failure, PinholeError, type ProblemMembers } from "../errors.ts";

export const PROBLEM_TYPE = "application/problem+json";

/** The body of every error (RFC 9457) and what the response's head needs of it. */
export interface Problem {
  code: ErrorCode;
  status: number;
  /** Seconds for `Retry-After`, on 429 and 503 only. */
  retryAfterSeconds: number | null;
  body: ProblemMembers;
}

/** Says what kind of problem it is, for machines; nothing is to be found there. */
export const problemType = (code: ErrorCode): string => `urn:pinhole:problem:${code}`;

/**
 * @param instance path of the request
 * @param retryAfterSeconds for a 429 or 503 that names no `retry_after_seconds` itself
 */
export function problemOf(
  failure: Failure,
  request: { id: string; instance: string },
  retryAfterSeconds: () => number,
): Problem {
  const { code, detail, members = {} } = failure;
  const { status, title } = CATALOGUE[code];
  const waits = status === 429 || status === 503;
  const wait = waits ? Math.max(1, Math.ceil(secondsOf(members) ?? retryAfterSeconds())) : null;
  const body = {
    ...members,
    ...(wait === null ? {} : { retry_after_seconds: wait }),
    type: problemType(code),
    title,
    status,
    detail,
    instance: request.instance,
    error: code,
    message: detail,
    request_id: request.id,
  };
  return { code, status, retryAfterSeconds: wait, body };
}

/** Anything thrown, as data: our own errors, what Elysia throws by itself, and INTERNAL_ERROR for the rest. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof NotFoundError)
    return { code: "NOT_FOUND", detail: "There is nothing at this address." };
  if (thrown instanceof ParseError)
    return { code: "INVALID_REQUEST", detail: "The body could not be read as its Content-Type says." };
  if (thrown instanceof ValidationError)
    return { code: "VALIDATION_FAILED", detail: "A parameter has a value that is not allowed." };
  return PinholeError.toFailure(thrown);
}

function secondsOf(members: ProblemMembers): number | null {
  const seconds = members.retry_after_seconds;
  return typeof seconds === "number" && Number.isFinite(seconds) ? seconds : null;
}
