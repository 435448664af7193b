const IPV4 = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])/g;
/** Four groups or more, or a `::`; with an IPv4 tail where there is one. */
const IPV6 =
  /(?<![\w:.])(?:(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?)(?:%\w+)?(?:(?::|\.)(?:\d{1,3}\.){2,3}\d{1,3})?(?![\w:])/gi;

/** `text` without network addresses: what is logged or reported names nobody. */
export function withoutAddresses(text: string): string {
  return text.replace(IPV6, "(address)").replace(IPV4, "(address)");
}
