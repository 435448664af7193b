import type { StageObserver } from "./stages.ts";

/** Makes a trace of each request; there is none while tracing is off. */
export interface Tracing {
  /**
   * Begins the span of a request, as a child of what the caller's `traceparent` names
   * (https://www.w3.org/TR/trace-context/).
   */
  start(headers: Headers): RequestTrace;
  statistics(): TraceStatistics;
  /** Sends what waits, for at most `timeoutMs`; afterwards nothing is sent any more. Never throws. */
  close(timeoutMs: number): Promise<void>;
}

/** Spans since the start, by what became of them. */
export interface TraceStatistics {
  exported: number;
  /** The collector was not reached, took too long or refused them. */
  failed: number;
}

/** The trace of one request. */
export interface RequestTrace {
  /** 32 hexadecimal characters: for the log. */
  readonly traceId: string;
  /** What the caller is told: `traceresponse` (https://w3c.github.io/trace-context/#traceresponse-header). */
  readonly response: string;
  /** Told of each stay at a station; undefined where this request is not recorded. */
  readonly onStay: StageObserver | undefined;
  end(ended: EndedTrace): void;
}

export interface EndedTrace {
  /** Pattern of the route. */
  route: string;
  method: string;
  status: number;
  requestId: string;
  /** Code of the error that was answered, or null. */
  code: string | null;
  /** Key of the model, once the walk has found it. */
  model: string | null;
  confidence: string | null;
  cached: boolean | null;
}
