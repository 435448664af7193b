import { createHash, timingSafeEqual } from "node:crypto";
import { PinholeError } from "../errors.ts";
import { isLoopback, parseAddress } from "./address.ts";
import { limitExceeded, type ResponseHeaders } from "./allowance.ts";
import { hostName } from "./host.ts";
import type { RequestContext } from "./request-context.ts";
import type { HttpServices } from "./services.ts";

/** Failures of one address are counted by this policy. */
const POLICY = "operator";
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);
const FORWARDING_HEADERS = [
  "origin",
  "forwarded",
  "via",
  "x-real-ip",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-server",
];

export type OperatorGuard = (exchange: {
  request: Request;
  context: RequestContext;
  set: { headers: ResponseHeaders };
}) => Promise<void>;

/**
 * Lets operators in by `Authorization: Bearer <PINHOLE_OPERATOR_TOKEN>`. Wrong tokens are limited per client,
 * and past the limit nothing is compared any more. Without a token set nobody gets in, but for reads from
 * this very machine in development.
 */
export function operatorGuard(services: Pick<HttpServices, "config" | "rateLimit">): OperatorGuard {
  const { config, rateLimit } = services;
  const expected = config.operatorToken === "" ? null : digest(config.operatorToken);

  return async ({ request, context, set }) => {
    if (expected === null) {
      if (config.environment === "development" && isLocalRead(request, context)) return;
      set.headers["www-authenticate"] = 'Bearer realm="pinhole"';
      throw new PinholeError(
        "UNAUTHENTICATED",
        "Operator routes are closed: the server has no operator token set.",
      );
    }
    const verdict = await rateLimit.peek(POLICY, context.clientKey);
    if (!verdict.allowed) throw limitExceeded(verdict);
    const token = bearerToken(request.headers.get("authorization"));
    // Hashes are of one length, so that nothing is learnt from how long the comparison takes.
    if (token !== null && timingSafeEqual(digest(token), expected)) return;
    // Who shows nothing guesses nothing: only wrong credentials count.
    if (request.headers.has("authorization")) await rateLimit.take(POLICY, context.clientKey);
    const error = token === null ? "" : ', error="invalid_token"';
    set.headers["www-authenticate"] = `Bearer realm="pinhole"${error}`;
    throw new PinholeError("UNAUTHENTICATED", "Send the operator token as Authorization: Bearer <token>.");
  };
}

/** RFC 6750 section 2.1; null where there is none. */
function bearerToken(authorization: string | null): string | null {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? "")?.[1] ?? null;
}

/**
 * A proxy on this machine is a loopback peer, too, and may add no header; a page in a browser here can send
 * requests to any port. So the host must be named literally, and no sign of either may be there.
 */
function isLocalRead(request: Request, context: RequestContext): boolean {
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  const peer = context.peer === null ? null : parseAddress(context.peer);
  if (peer === null || !isLoopback(peer)) return false;
  if (!LOOPBACK_NAMES.has(hostName(request.headers.get("host") ?? ""))) return false;
  return FORWARDING_HEADERS.every((name) => !request.headers.has(name));
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
