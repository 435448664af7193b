/**
 * The closed catalogue of everything that can go wrong for a caller. A code that is not here cannot be
 * answered; HTTP reads status and title from here (`http/problem.ts`), and so do the OpenAPI document and
 * the metrics. `ours` says whether it is our fault: ours are logged at error with their stack, expected
 * refusals at warn without one.
 */
export const CATALOGUE = {
  INVALID_REQUEST: { status: 400, title: "The request could not be understood", ours: false },
  NO_IMAGE: { status: 400, title: "The request carries no image", ours: false },
  EMPTY_IMAGE: { status: 400, title: "The image is empty", ours: false },
  UNSUPPORTED_IMAGE_TYPE: { status: 400, title: "This image type is not taken", ours: false },
  UNAUTHENTICATED: { status: 401, title: "Credentials are missing or wrong", ours: false },
  FORBIDDEN: { status: 403, title: "Not allowed", ours: false },
  HTTPS_REQUIRED: { status: 403, title: "HTTPS is required", ours: false },
  NOT_FOUND: { status: 404, title: "Not found", ours: false },
  MODEL_NOT_FOUND: { status: 404, title: "No such model", ours: false },
  METHOD_NOT_ALLOWED: { status: 405, title: "Method not allowed", ours: false },
  REQUEST_TIMEOUT: { status: 408, title: "The body did not arrive in time", ours: false },
  FILE_TOO_LARGE: { status: 413, title: "Too many bytes", ours: false },
  MISDIRECTED_REQUEST: { status: 421, title: "Not a host of this server", ours: false },
  INVALID_IMAGE: { status: 422, title: "The image cannot be decoded", ours: false },
  TOO_MANY_PIXELS: { status: 422, title: "The image has too many pixels", ours: false },
  TOO_MANY_SCANS: { status: 422, title: "The image has too many scans", ours: false },
  VALIDATION_FAILED: { status: 422, title: "A value is out of range", ours: false },
  RATE_LIMIT_EXCEEDED: { status: 429, title: "Too many requests", ours: false },
  INFERENCE_FAILED: { status: 500, title: "Inference failed", ours: true },
  INTERNAL_ERROR: { status: 500, title: "Internal error", ours: true },
  OVERLOADED: { status: 503, title: "The server is full", ours: false },
  DRAINING: { status: 503, title: "The server is shutting down", ours: false },
  MODEL_NOT_READY: { status: 503, title: "The model is not ready", ours: true },
  DEADLINE_EXCEEDED: { status: 504, title: "The deadline has passed", ours: false },
} as const satisfies Record<string, { status: number; title: string; ours: boolean }>;

export type ErrorCode = keyof typeof CATALOGUE;

/** Public members that stand beside the standard ones in the problem document, e.g. `max_size_mb`. */
export type ProblemMembers = Record<string, unknown>;

/** An error as data: what crosses a thread border or stands beside one bad image of several. */
export interface Failure {
  code: ErrorCode;
  /** Public text: says what to change. Never a path, a library's message or a stack. */
  detail: string;
  members?: ProblemMembers;
  /** Private text: for the log only. */
  cause?: string;
}

/** The only error class that the walk throws on purpose. Anything else is an `INTERNAL_ERROR`. */
export class PinholeError extends Error {
  override readonly name = "PinholeError";
  readonly code: ErrorCode;
  readonly detail: string;
  readonly members: ProblemMembers;

  /**
   * @param detail public text, sent to the caller as it is
   * @param options.members public members of the problem document
   * @param options.cause private: what really happened, for the log
   */
  constructor(code: ErrorCode, detail: string, options: { members?: ProblemMembers; cause?: unknown } = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = detail;
    this.members = options.members ?? {};
  }

  get status(): number {
    return CATALOGUE[this.code].status;
  }

  /** Whether this is our fault: decides the log level and whether the stack is kept. */
  get ours(): boolean {
    return CATALOGUE[this.code].ours;
  }

  static from(failure: Failure): PinholeError {
    const { code, detail, members, cause } = failure;
    return new PinholeError(code, detail, { members, cause });
  }

  /** Turns anything thrown into data. An unforeseen error keeps its message in `cause` only. */
  static toFailure(thrown: unknown): Failure {
    if (thrown instanceof PinholeError) {
      const cause = thrown.cause === undefined ? undefined : String(thrown.cause);
      return { code: thrown.code, detail: thrown.detail, members: thrown.members, cause };
    }
    const cause = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    return { code: "INTERNAL_ERROR", detail: "Something unforeseen happened; quote the request id.", cause };
  }
}
