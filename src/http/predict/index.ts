import { ClientGone } from "../../admission/drop.ts";
import { PinholeError } from "../../errors.ts";
import type { PredictCall } from "../../inference/prediction.ts";
import type { Outcome } from "../../telemetry/metrics.ts";
import { StageClock } from "../../telemetry/stages.ts";
import { type ResponseHeaders, writeAllowance } from "../allowance.ts";
import { predictOperation } from "../openapi/predict.ts";
import { queryOf } from "../query.ts";
import type { RequestContext } from "../request-context.ts";
import { routes } from "../routes.ts";
import { predictTimeoutSeconds } from "../serve-options.ts";
import type { HttpServices } from "../services.ts";
import { AnswerWriter, serverTiming } from "./answer.ts";
import { readContentLength, readPredictOptions, refuseContentEncoding } from "./options.ts";

/** `POST /api/v1/predict`: headers and query are read here, the body by the walk once it is admitted. */
export function predictRoutes(services: HttpServices) {
  const { config, metrics, predictor } = services;
  const timeoutSeconds = predictTimeoutSeconds(config);
  const writer = new AnswerWriter();

  return routes().post(
    "/api/v1/predict",
    async ({ request, server, set, context }) => {
      const call = readCall(request, context, services);
      context.walk = call.trace;
      server?.timeout(request, timeoutSeconds);
      if (call.options.strict) set.headers["preference-applied"] = "handling=strict";
      try {
        const answer = await predictor.predict(call);
        context.prediction = answer;
        metrics.answer(answer);
        writeTrace(set.headers, call, services, answer.timings);
        set.headers["content-type"] = "application/json";
        return writer.text(answer, context.requestId);
      } catch (error) {
        writeTrace(set.headers, call, services);
        const thrown = request.signal.aborted ? new ClientGone() : error;
        if (call.trace.modelKey !== undefined) metrics.failure(call.trace.modelKey, outcomeOf(thrown));
        throw thrown;
      } finally {
        // Bun keeps the timeout with the socket: without this it would hold for the idle time after the answer.
        server?.timeout(request, config.idleTimeoutSeconds);
      }
    },
    { parse: "none", detail: predictOperation(config) },
  );
}

function outcomeOf(error: unknown): Outcome {
  if (error instanceof ClientGone) return "client_gone";
  return error instanceof PinholeError ? error.code : "INTERNAL_ERROR";
}

/** @throws PinholeError VALIDATION_FAILED, INVALID_REQUEST */
function readCall(request: Request, context: RequestContext, services: HttpServices): PredictCall {
  const { headers } = request;
  refuseContentEncoding(headers.get("content-encoding"));
  return {
    requestId: context.requestId,
    clientKey: context.clientKey,
    options: readPredictOptions(queryOf(request.url), headers),
    // To ask for the stream costs as much as to read a small body without one.
    get body() {
      return request.body;
    },
    bytes: () => request.bytes(),
    contentType: headers.get("content-type"),
    contentLength: readContentLength(headers.get("content-length")),
    signal: request.signal,
    trace: { stages: new StageClock(services.clock, context.trace?.onStay), allowance: null },
  };
}

/** What the walk left behind: the same figures for the client and for the metrics. */
function writeTrace(
  headers: ResponseHeaders,
  { trace }: PredictCall,
  { config, metrics }: HttpServices,
  timings = trace.stages.timings(),
): void {
  headers["server-timing"] = serverTiming(timings);
  if (config.rateLimitEnabled && trace.allowance !== null) writeAllowance(headers, trace.allowance);
  metrics.timings(timings);
}
