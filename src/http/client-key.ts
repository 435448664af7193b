import { type AddressBytes, parseAddress } from "./address.ts";
import { trustedProxyRule } from "./trusted-proxies.ts";

/** Decides who is asking, from the socket's peer address and the `X-Forwarded-For` header (null: none). */
export type ClientKeyOf = (peer: string | null, forwardedFor: string | null) => string;

/** Clients whose keys are remembered, and the longest address and header that are. */
const REMEMBERED = 1024;
const REMEMBERED_LENGTH = 128;

/** What stands for a client without an address, e.g. on a Unix socket. */
export const UNKNOWN_CLIENT = "unknown";

/**
 * The one rule for client keys. The client is the socket's peer, unless that is a trusted proxy: then
 * `X-Forwarded-For` is read from right to left, past trusted proxies, up to the first other address. An
 * entry that is no address ends the walk, for whoever wrote it could have written what stands before it,
 * too; the client then is the proxy that sent it. IPv4 clients are keyed by address, IPv6 ones by their /64,
 * of which one subscriber has all addresses.
 * @param trustedProxies addresses and CIDR ranges
 * @throws ConfigError for an entry that is neither
 */
export function clientKeyRule(trustedProxies: readonly string[]): ClientKeyOf {
  const isTrusted = trustedProxyRule(trustedProxies);

  return remembered((peer, forwardedFor) => {
    let client = peer === null ? null : parseAddress(peer);
    if (client === null) return UNKNOWN_CLIENT;
    if (forwardedFor === null || !isTrusted(client)) return keyOf(client);
    for (const entry of forwardedFor.split(",").reverse()) {
      const address = parseEntry(entry.trim());
      if (address === null) break;
      client = address;
      if (!isTrusted(address)) break;
    }
    return keyOf(client);
  });
}

/** Who asked before is known without reading addresses again. */
function remembered(rule: ClientKeyOf): ClientKeyOf {
  const known = new Map<string, string>();
  return (peer, forwardedFor) => {
    const asked = `${peer} ${forwardedFor}`;
    if (asked.length > REMEMBERED_LENGTH) return rule(peer, forwardedFor);
    let key = known.get(asked);
    if (key === undefined) {
      key = rule(peer, forwardedFor);
      if (known.size >= REMEMBERED) known.clear();
      known.set(asked, key);
    }
    return key;
  };
}

/** "address", or with the port that some proxies add: "address:port", "[IPv6]" and "[IPv6]:port". */
function parseEntry(entry: string): AddressBytes | null {
  const bracketed = /^\[([^\]]*:[^\]]*)\](?::\d{1,5})?$/.exec(entry);
  if (bracketed) return parseAddress(bracketed[1]!);
  const withPort = /^([\d.]+):\d{1,5}$/.exec(entry);
  return parseAddress(withPort ? withPort[1]! : entry);
}

function keyOf(address: AddressBytes): string {
  if (address.length === 4) return address.join(".");
  const groups = [0, 2, 4, 6].map((at) => ((address[at]! << 8) | address[at + 1]!).toString(16));
  return `${groups.join(":")}::/64`;
}
