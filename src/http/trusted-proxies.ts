import { ConfigError } from "../config.ts";
import { SETTINGS } from "../settings.ts";
import { type AddressBytes, inRange, parseAddress, parseRange } from "./address.ts";

/** Whether an address is one of our own proxies. */
export type IsTrustedProxy = (address: AddressBytes) => boolean;

/**
 * @param trustedProxies addresses and CIDR ranges
 * @throws ConfigError for an entry that is neither
 */
export function trustedProxyRule(trustedProxies: readonly string[]): IsTrustedProxy {
  const ranges = trustedProxies.map((text) => {
    const range = parseRange(text);
    if (range !== null) return range;
    const expected = "addresses or CIDR ranges without bits past the prefix";
    throw new ConfigError([{ name: SETTINGS.trustedProxies.name, expected, received: JSON.stringify(text) }]);
  });
  return (address) => ranges.some((range) => inRange(address, range));
}

/** How a request came to us, or to the proxy before us; null where nobody who is trusted says so. */
export type SchemeOf = (request: Request, peer: string | null) => "http" | "https" | null;

/**
 * Believes `X-Forwarded-Proto` from a trusted proxy only, and of several values the last, which is that proxy's
 * own.
 */
export function schemeRule(isTrusted: IsTrustedProxy): SchemeOf {
  return (request, peer) => {
    if (request.url.startsWith("https:")) return "https";
    const forwarded = request.headers.get("x-forwarded-proto");
    if (forwarded === null || peer === null) return null;
    const address = parseAddress(peer);
    if (address === null || !isTrusted(address)) return null;
    const scheme = forwarded.split(",").at(-1)!.trim().toLowerCase();
    return scheme === "https" || scheme === "http" ? scheme : null;
  };
}
