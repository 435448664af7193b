import type { Config } from "../settings.ts";

/** How far past the largest request Bun still hands a body to us, so that the 413 is ours and says why. */
const BACKSTOP_BYTES = 1024 * 1024;
/** How far past our own limits on reading and answering, which must be the ones that end a request. */
const TIMEOUT_MARGIN_SECONDS = 15;
/** Bun keeps a socket's timeout in one byte; 0 is none. */
const LONGEST_TIMEOUT_SECONDS = 255;

/** What the listener must be told, beside port and host, for our own limits to be the ones that answer. */
export function serveOptions(config: Config) {
  return {
    /** Past it Bun answers 413 by itself, without a body; the walk bounds its reading at `requestMaxBytes`. */
    maxRequestBodySize: config.requestMaxBytes + BACKSTOP_BYTES,
    /** Seconds. Bun counts it through a whole upload: the predict route sets its own for as long as it works. */
    idleTimeout: config.idleTimeoutSeconds,
    development: false,
  };
}

/** Seconds that a socket may take while a prediction is read and answered. */
export function predictTimeoutSeconds(config: Config): number {
  const seconds = Math.ceil((config.readTimeoutMs + config.deadlineMs) / 1000) + TIMEOUT_MARGIN_SECONDS;
  return seconds > LONGEST_TIMEOUT_SECONDS ? 0 : seconds;
}
