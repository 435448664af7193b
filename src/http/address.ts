/** A network address as its bytes: 4 for IPv4 (IPv4-mapped IPv6 included), 16 for IPv6. */
export type AddressBytes = readonly number[];

/** A CIDR range: `bytes` and how many of their leading bits count. */
export interface AddressRange {
  bytes: AddressBytes;
  prefix: number;
}

/**
 * Reads an IPv4 address in dotted decimal or an IPv6 address (RFC 4291 section 2.2, a zone is dropped).
 * `::ffff:0:0/96` is mapped to IPv4 by its bits, however it is spelled.
 * @returns null for anything else, such as octets with leading zeros, which some read as octal
 */
export function parseAddress(text: string): AddressBytes | null {
  if (!text.includes(":")) return parseV4(text);
  const zone = text.indexOf("%");
  const bytes = parseV6(zone === -1 ? text : text.slice(0, zone));
  if (bytes === null) return null;
  const mapped = bytes[10] === 0xff && bytes[11] === 0xff && bytes.slice(0, 10).every((byte) => byte === 0);
  return mapped ? bytes.slice(12) : bytes;
}

/** Reads "address" or "address/bits". @returns null for anything else, set bits past the prefix included */
export function parseRange(text: string): AddressRange | null {
  const slash = text.indexOf("/");
  const base = slash === -1 ? text : text.slice(0, slash);
  const bytes = parseAddress(base);
  if (bytes === null) return null;
  const bits = bytes.length * 8;
  if (slash === -1) return { bytes, prefix: bits };
  const suffix = text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(suffix)) return null;
  // A mapped range is written with IPv6 bits; of these the first 96 are the mapping itself.
  const prefix = Number(suffix) - (bytes.length === 4 && base.includes(":") ? 96 : 0);
  if (prefix < 0 || prefix > bits) return null;
  const range = { bytes, prefix };
  return bytes.every((byte, index) => (byte & ~maskOf(prefix, index) & 0xff) === 0) ? range : null;
}

export function inRange(address: AddressBytes, range: AddressRange): boolean {
  if (address.length !== range.bytes.length) return false;
  return address.every((byte, index) => (byte & maskOf(range.prefix, index)) === range.bytes[index]);
}

export function isLoopback(address: AddressBytes): boolean {
  if (address.length === 4) return address[0] === 127;
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** The bits of byte `index` that a prefix of `prefix` bits covers. */
function maskOf(prefix: number, index: number): number {
  const covered = Math.min(8, Math.max(0, prefix - index * 8));
  return (0xff << (8 - covered)) & 0xff;
}

function parseV4(text: string): number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : null;
}

function parseV6(text: string): number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  // "::" stands for at least one group of zeros.
  if (halves.length === 1 ? missing !== 0 : missing < 2) return null;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

/** Bytes of groups between colons; the last one of an address may be dotted decimal. */
function groupsOf(text: string, last: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (last && index === groups.length - 1 && group.includes(".")) {
      const dotted = parseV4(group);
      if (dotted === null) return null;
      bytes.push(...dotted);
    } else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return null;
  }
  return bytes;
}
