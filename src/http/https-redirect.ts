import { PinholeError } from "../errors.ts";
import { hostOf, PROBES } from "./host.ts";

/**
 * Where a request that came over plain HTTP must go: the same address over HTTPS for those that only read (308
 * keeps the method); others have already sent their body in the clear and are told so.
 * @returns null for probes of an orchestrator, which come over plain HTTP
 * @throws PinholeError HTTPS_REQUIRED
 */
export function httpsAddress(request: Request, path: string): string | null {
  if (PROBES.has(path)) return null;
  const reads = request.method === "GET" || request.method === "HEAD";
  const host = hostOf(request);
  // Whatever else stands in the header could lead elsewhere.
  if (!reads || !/^([a-z0-9.-]+|\[[0-9a-f:.]+\])$/.test(host))
    throw new PinholeError("HTTPS_REQUIRED", "This server is to be asked over HTTPS: use an https address.");
  const { pathname, search } = new URL(request.url);
  return `https://${host}${pathname}${search}`;
}
