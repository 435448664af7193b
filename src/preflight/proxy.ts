import { isLoopback, parseAddress, parseRange } from "../http/address.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Wider than this, a range holds addresses of strangers. */
const WIDEST_PREFIX = 8;

export interface ProxySettings {
  production: boolean;
  host: string;
  trustedProxies: readonly string[];
  hostsAllowed: readonly string[];
}

/** Whether the server will know its clients apart, and whom it believes. */
export function checkProxy({ production, host, trustedProxies, hostsAllowed }: ProxySettings): Finding[] {
  const { ok, warn, fail } = findingsOf("proxy");
  const findings: Finding[] = [];
  for (const text of trustedProxies) {
    const range = parseRange(text);
    if (range === null)
      findings.push(
        fail(
          `PINHOLE_TRUSTED_PROXIES: ${JSON.stringify(text)} is no address and no range`,
          "Write 10.0.0.5 or 10.0.0.0/8, without bits past the prefix.",
        ),
      );
    else if (range.prefix < WIDEST_PREFIX)
      findings.push(
        fail(
          `PINHOLE_TRUSTED_PROXIES: ${text} believes strangers, who then choose their own address`,
          "Name only the addresses of your proxies.",
        ),
      );
  }
  if (production && trustedProxies.length === 0)
    findings.push(
      isLocal(host)
        ? warn(
            `listens on ${host}, so a proxy stands before it, and none is trusted: all clients share one rate limit`,
            "Set PINHOLE_TRUSTED_PROXIES to the proxy's address, e.g. 127.0.0.1.",
          )
        : warn(
            "no proxy is trusted: behind one, all clients share one rate limit",
            "If a proxy stands before it, set PINHOLE_TRUSTED_PROXIES to its address.",
          ),
    );
  if (production && hostsAllowed.length === 0)
    findings.push(
      warn("any Host is answered", "Set PINHOLE_HOSTS_ALLOWED to the names under which it is reached."),
    );
  if (findings.length > 0) return findings;
  return [ok(trustedProxies.length > 0 ? `trusts ${trustedProxies.join(", ")}` : "trusts no proxy")];
}

function isLocal(host: string): boolean {
  const address = parseAddress(host);
  return host === "localhost" || (address !== null && isLoopback(address));
}
