import type { EndedRequest } from "./request-log.ts";

/** Ends the span of a request with what is known of it by then; nothing of it names the client. */
export function endTrace({ context, method, route, status }: Omit<EndedRequest, "sentBytes">): void {
  const { prediction, walk } = context;
  context.trace?.end({
    route,
    method,
    status,
    requestId: context.requestId,
    code: context.outcome,
    model: walk?.modelKey ?? null,
    confidence: prediction?.confidenceStatus ?? null,
    cached: prediction?.cached ?? null,
  });
}
