import { ConfigError } from "../config.ts";
import { SETTINGS } from "../settings.ts";
import type { ResponseHeaders } from "./allowance.ts";

/** What pages of other origins may send beside what every page may. */
const REQUEST_HEADERS = "authorization, content-type, prefer, x-request-id, x-request-timeout-ms";
/** What their scripts may read beside what every script may. */
const RESPONSE_HEADERS = [
  "Preference-Applied",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "Server-Timing",
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset",
  "X-Request-Id",
].join(", ");
/** How long a browser may go without asking again; Chromium takes at most two hours. */
const PREFLIGHT_SECONDS = 7200;

export interface Cors {
  /** What every answer says to a listed origin; nothing to any other. */
  write(request: Request, headers: ResponseHeaders): void;
  /** What an answer to OPTIONS says beside it, where it was asked before a request of a listed origin. */
  writePreflight(request: Request, headers: ResponseHeaders, methods: string): void;
}

/**
 * Cross-origin requests of pages (WHATWG Fetch, 3.2) by an allow-list. Nothing here rests on cookies, so
 * credentials are never allowed; the bearer token is a header that a page must hold itself.
 * @param origins as browsers send them: scheme, host and a port that is not the scheme's own
 * @throws ConfigError for an entry that is no origin, "*" and "null" included
 */
export function corsRule(origins: readonly string[]): Cors {
  const wrong = origins.filter((text) => !isOrigin(text));
  if (wrong.length > 0) {
    const expected = "origins such as https://app.example or http://localhost:5173, spelled as browsers do";
    const received = wrong.map((text) => JSON.stringify(text)).join(", ");
    throw new ConfigError([{ name: SETTINGS.corsOrigins.name, expected, received }]);
  }
  const listed: ReadonlySet<string> = new Set(origins);
  if (listed.size === 0) return { write: () => undefined, writePreflight: () => undefined };
  const isListed = (origin: string | null): origin is string => origin !== null && listed.has(origin);
  return {
    write(request, headers) {
      headers.vary = "Origin";
      const origin = request.headers.get("origin");
      if (!isListed(origin)) return;
      headers["access-control-allow-origin"] = origin;
      headers["access-control-expose-headers"] = RESPONSE_HEADERS;
      headers["timing-allow-origin"] = origin;
    },
    writePreflight(request, headers, methods) {
      if (!request.headers.has("access-control-request-method")) return;
      if (!isListed(request.headers.get("origin"))) return;
      headers["access-control-allow-methods"] = methods;
      headers["access-control-allow-headers"] = REQUEST_HEADERS;
      headers["access-control-max-age"] = String(PREFLIGHT_SECONDS);
    },
  };
}

function isOrigin(text: string): boolean {
  if (!/^https?:\/\//.test(text) || text.includes("*")) return false;
  return URL.canParse(text) && new URL(text).origin === text;
}
