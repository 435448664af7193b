import { PinholeError } from "../errors.ts";

/** Throws where a request's `Host` is none of ours. */
export type HostCheck = (request: Request, path: string) => void;

/** Probes of an orchestrator name the machine's address, and nothing is to be learnt there. */
export const PROBES: ReadonlySet<string> = new Set(["/health", "/health/live", "/health/ready"]);

/**
 * Compares host names without case, port and a trailing dot. It defends against DNS rebinding and against
 * proxies that route someone else's name here.
 * @param allowed host names; empty: any host
 */
export function hostCheck(allowed: readonly string[]): HostCheck {
  if (allowed.length === 0) return () => undefined;
  const ours = new Set(allowed.map(hostName));
  return (request, path) => {
    if (PROBES.has(path) || ours.has(hostOf(request))) return;
    throw new PinholeError(
      "MISDIRECTED_REQUEST",
      "The Host of the request is not one of this server's names.",
    );
  };
}

/** Host name that a request names, by its header, or by its target where there is none. */
export const hostOf = (request: Request): string =>
  hostName(request.headers.get("host") ?? new URL(request.url).host);

/** Host name of a `Host` header: "localhost", "127.0.0.1", "[::1]". */
export function hostName(host: string): string {
  return host.trim().toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}
