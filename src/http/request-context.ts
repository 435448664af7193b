import type { ErrorCode } from "../errors.ts";
import type { CallTrace, PredictAnswer } from "../inference/prediction.ts";
import type { RequestTrace } from "../telemetry/tracing.ts";
import type { ClientKeyOf } from "./client-key.ts";

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

/** What a server can say of a request's socket; absent under `app.handle`. */
export interface PeerLookup {
  requestIP(request: Request): { address: string } | null;
}

/** What belongs to one request from its first hook to its last line in the metrics. */
export class RequestContext {
  /** The client's own `X-Request-Id` where it is well formed. For logs and answers, never a key. */
  readonly requestId: string;
  /** Instant of the clock. */
  readonly startedAt: number;
  /** Address of the socket's peer, or null. */
  readonly peer: string | null;
  /** The error that was answered, once there is one; `client_gone` where nobody was left to answer. */
  outcome: ErrorCode | "client_gone" | null = null;
  /** Declared size of the body, or null. */
  readonly declaredBytes: number | null;
  /** What the walk left behind, on requests for predictions. */
  walk: CallTrace | null = null;
  /** The prediction that was answered. */
  prediction: PredictAnswer | null = null;
  /** Size of a problem document, once one is the answer. */
  problemBytes: number | null = null;
  /** Null: tracing is off. */
  readonly trace: RequestTrace | null;
  readonly #request: Request;
  readonly #clientKeyOf: ClientKeyOf;
  #clientKey: string | null = null;

  constructor(options: {
    request: Request;
    server: PeerLookup | null;
    startedAt: number;
    newId: () => string;
    clientKeyOf: ClientKeyOf;
    trace?: RequestTrace | null;
  }) {
    const { request } = options;
    const given = request.headers.get("x-request-id");
    this.requestId = given !== null && REQUEST_ID.test(given) ? given : options.newId();
    this.startedAt = options.startedAt;
    this.trace = options.trace ?? null;
    const declared = request.headers.get("content-length");
    this.declaredBytes = declared !== null && /^\d{1,15}$/.test(declared) ? Number(declared) : null;
    this.peer = options.server?.requestIP(request)?.address ?? null;
    this.#request = request;
    this.#clientKeyOf = options.clientKeyOf;
  }

  /** Who is asking, for limits, fairness and records. */
  get clientKey(): string {
    this.#clientKey ??= this.#clientKeyOf(this.peer, this.#request.headers.get("x-forwarded-for"));
    return this.#clientKey;
  }
}
