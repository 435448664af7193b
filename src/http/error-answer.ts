import { NotFoundError } from "elysia";
import { ClientGone } from "../admission/drop.ts";
import { CATALOGUE } from "../errors.ts";
import type { ResponseHeaders } from "./allowance.ts";
import type { AllowedMethods } from "./allowed-methods.ts";
import type { Cors } from "./cors.ts";
import { failureOf, PROBLEM_TYPE, problemOf } from "./problem.ts";
import { RefusalLog } from "./refusal-log.ts";
import type { RequestContext } from "./request-context.ts";
import type { HttpServices } from "./services.ts";

/** Status of a request whose client left, for the log and the metrics only: nginx's number for it. */
const CLIENT_CLOSED_REQUEST = 499;
/** Most seconds that are told to those who are to wait and were not told how long. */
const LATER_SECONDS = 5;

interface Failed {
  error: unknown;
  path: string;
  request: Request;
  /** Pattern of the route; undefined where none was found. */
  route?: string;
  set: { status?: number | string; headers: ResponseHeaders };
  context: RequestContext;
}

/**
 * Whatever was thrown becomes an answer here and nowhere else: the problem document, 405 and the answer to
 * OPTIONS for addresses that are known, nothing for a client that has gone. It is logged here, too.
 */
export function errorAnswer(
  services: HttpServices,
  methodsOf: AllowedMethods,
  cors: Cors,
): (failed: Failed) => string {
  const { log, newId, clientHash, clock } = services;
  const refusals = new RefusalLog(clock);
  /** Spread, so that those who were refused together don't come back together. */
  const laterSeconds = () => 1 + (Number.parseInt(newId().slice(-4), 16) % LATER_SECONDS);

  return ({ error, path, request, route, set, context }) => {
    if (error instanceof ClientGone) {
      context.outcome = "client_gone";
      log.info({ request_id: context.requestId, route, status: CLIENT_CLOSED_REQUEST }, "client gone");
      set.status = CLIENT_CLOSED_REQUEST;
      return "";
    }
    let failure = failureOf(error);
    const allow = error instanceof NotFoundError ? methodsOf(path) : null;
    if (allow !== null) {
      set.headers.allow = allow;
      if (request.method === "OPTIONS") {
        set.status = 204;
        cors.writePreflight(request, set.headers, allow);
        return "";
      }
      failure = { code: "METHOD_NOT_ALLOWED", detail: `This address takes ${allow}.` };
    }
    const { code, detail, cause } = failure;
    const problem = problemOf(failure, { id: context.requestId, instance: path }, laterSeconds);
    context.outcome = code;
    const refused = code === "OVERLOADED" ? refusals.count() : null;
    if (refused !== 0) {
      const fields = {
        request_id: context.requestId,
        ...(context.trace === null ? {} : { trace_id: context.trace.traceId }),
        client: clientHash(context.clientKey),
        code,
        status: problem.status,
        method: request.method,
        route,
        ...(refused === null ? {} : { refused }),
      };
      if (CATALOGUE[code].ours) log.error({ ...fields, err: error }, detail);
      else log.warn({ ...fields, cause }, detail);
    }
    set.status = problem.status;
    set.headers["content-type"] = PROBLEM_TYPE;
    set.headers["cache-control"] = "no-store";
    if (problem.retryAfterSeconds !== null) set.headers["retry-after"] = String(problem.retryAfterSeconds);
    const body = JSON.stringify(problem.body);
    context.problemBytes = Buffer.byteLength(body);
    return body;
  };
}
