import { timingsJson } from "./predict/answer.ts";
import type { RequestContext } from "./request-context.ts";
import type { HttpServices } from "./services.ts";

export interface EndedRequest {
  context: RequestContext;
  method: string;
  /** Pattern of the route, never a path that a client wrote. */
  route: string;
  status: number;
  /** Size of the answer's body, or null where it is not known. */
  sentBytes: number | null;
  durationMs: number;
}

/**
 * What is logged of a request once it is answered: a line of access, one of inference where there was a
 * prediction, and one of slow_request where it took long.
 */
export function requestLog(services: Pick<HttpServices, "config" | "logs" | "clientHash">) {
  const { config, logs, clientHash } = services;
  const { access, inference, slowRequest } = logs;

  return (ended: EndedRequest): void => {
    const { context, method, route, status, sentBytes, durationMs } = ended;
    const isSlow = durationMs > config.logSlowRequestMs;
    if (!access.isEnabled && !(isSlow && slowRequest.isLevelEnabled("warn"))) return;
    const { prediction, walk } = context;
    // What is undefined is not written.
    const who = {
      request_id: context.requestId,
      trace_id: context.trace?.traceId,
      client: clientHash(context.clientKey),
    };
    const what = {
      method,
      route,
      status,
      code: context.outcome ?? undefined,
      duration_ms: micros(durationMs),
      received_bytes: context.declaredBytes,
      sent_bytes: sentBytes,
      model: walk?.modelKey,
    };
    access.info({ ...who, ...what }, "request");
    if (prediction !== null) {
      const [first] = prediction.predictions;
      const { model, images, cached, fallback, confidenceStatus, predictionId, timings } = prediction;
      inference.info(
        {
          ...who,
          prediction_id: predictionId,
          model: `${model.name}/${model.version}`,
          class: first?.classId ?? null,
          prob: first === undefined ? null : Math.round(first.prob * 1e6) / 1e6,
          confidence: confidenceStatus,
          images: images.length,
          cached,
          fallback,
          timings_ms: timingsJson(timings),
        },
        "prediction",
      );
    }
    if (isSlow) {
      const timings = prediction?.timings ?? walk?.stages.timings();
      slowRequest.warn({ ...who, ...what, timings_ms: timings && timingsJson(timings) }, "slow request");
    }
  };
}

/** Size of an answer's body, or null where it is not known. */
export function bodyBytes(method: string, response: unknown, context: RequestContext): number | null {
  if (method === "HEAD") return 0;
  if (context.problemBytes !== null) return context.problemBytes;
  if (typeof response === "string") return Buffer.byteLength(response);
  return response instanceof Blob ? response.size : null;
}

const micros = (ms: number): number => Math.round(ms * 1e3) / 1e3;
