import type { Clock, NewId } from "../clock.ts";
import { type Dsn, type ErrorEvent, errorEvent, type ReportOrigin } from "./sentry-event.ts";

/** A broken server has thousands of the same error: a few tell as much. */
const REPORTS_PER_MINUTE = 30;
const IN_FLIGHT_MAX = 4;
const WAITING_MAX = 30;
const SEND_TIMEOUT_MS = 5000;
const MINUTE_MS = 60_000;
/** How long to keep still when Sentry says "too many" without saying how long. */
const RETRY_AFTER_DEFAULT_SECONDS = 60;

export interface ErrorReporterOptions {
  dsn: Dsn;
  origin: ReportOrigin;
  clock: Clock;
  newId: NewId;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Reports since the start, by what became of them. */
export interface ReportStatistics {
  sent: number;
  /** Sentry was not reached, took too long or refused. */
  failed: number;
  /** Not sent: too many at once, or Sentry asked for silence. */
  dropped: number;
}

/**
 * Sends the server's own errors to Sentry, one envelope each
 * (https://develop.sentry.dev/sdk/foundations/envelopes/). `report` returns at once and never throws; what
 * Sentry is or does delays and fails nothing else.
 */
export class ErrorReporter {
  readonly #options: ErrorReporterOptions;
  readonly #statistics: ReportStatistics = { sent: 0, failed: 0, dropped: 0 };
  /** One error is logged where it happens and again where it is answered. */
  readonly #seen = new WeakSet<object>();
  readonly #waiting: ErrorEvent[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #windowFrom = Number.NEGATIVE_INFINITY;
  #inWindow = 0;
  #silentUntil = Number.NEGATIVE_INFINITY;

  constructor(options: ErrorReporterOptions) {
    this.#options = options;
  }

  statistics(): ReportStatistics {
    return { ...this.#statistics };
  }

  /** @param fields of the log line; `err` is the error */
  report(fields: Record<string, unknown>, message: string): void {
    const { clock, newId, origin } = this.#options;
    const { err } = fields;
    if (typeof err === "object" && err !== null) {
      if (this.#seen.has(err)) return;
      this.#seen.add(err);
    }
    if (!this.#mayReport()) {
      this.#statistics.dropped++;
      return;
    }
    this.#waiting.push(errorEvent(newId(), clock.wall(), fields, message, origin));
    this.#send();
  }

  /** Resolves when nothing is left to send, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(timeoutMs, resolve);
    const empty = async () => {
      while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
    };
    await Promise.race([empty(), late]);
    cancel();
  }

  #mayReport(): boolean {
    const now = this.#options.clock.now();
    if (now < this.#silentUntil || this.#waiting.length >= WAITING_MAX) return false;
    if (now - this.#windowFrom >= MINUTE_MS) {
      this.#windowFrom = now;
      this.#inWindow = 0;
    }
    return ++this.#inWindow <= REPORTS_PER_MINUTE;
  }

  #send(): void {
    while (this.#inFlight.size < IN_FLIGHT_MAX) {
      const event = this.#waiting.shift();
      if (event === undefined) return;
      const sending = this.#post(event).finally(() => {
        this.#inFlight.delete(sending);
        this.#send();
      });
      this.#inFlight.add(sending);
    }
  }

  async #post(event: ErrorEvent): Promise<void> {
    const { dsn, clock, origin, fetch: send = fetch } = this.#options;
    try {
      const response = await send(dsn.envelopeUrl, {
        method: "POST",
        headers: {
          "content-type": "application/x-sentry-envelope",
          "x-sentry-auth": `Sentry sentry_version=7, sentry_client=${origin.release.replace("@", "/")}, sentry_key=${dsn.publicKey}`,
        },
        body: envelope(event, new Date(clock.wall())),
        redirect: "error",
        signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (response.ok) this.#statistics.sent++;
      else this.#statistics.failed++;
      if (response.status === 429) this.#keepStill(response.headers.get("retry-after"));
    } catch {
      this.#statistics.failed++;
    }
  }

  #keepStill(retryAfter: string | null): void {
    const seconds = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : null;
    this.#silentUntil = this.#options.clock.now() + (seconds ?? RETRY_AFTER_DEFAULT_SECONDS) * 1000;
    this.#statistics.dropped += this.#waiting.splice(0).length;
  }
}

/** Header, item header and item, one line each. */
function envelope(event: ErrorEvent, sentAt: Date): string {
  const payload = JSON.stringify(event);
  const header = { event_id: event.event_id, sent_at: sentAt.toISOString() };
  const item = { type: "event", content_type: "application/json", length: Buffer.byteLength(payload) };
  return `${JSON.stringify(header)}\n${JSON.stringify(item)}\n${payload}\n`;
}
