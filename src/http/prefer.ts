/**
 * Whether a `Prefer` header (RFC 7240 section 2) asks for `handling=strict` (section 4.4). Names are compared
 * without case; of a preference that stands twice only the first counts; parameters after a semicolon and
 * preferences that we don't know are ignored.
 * @param prefer all `Prefer` fields joined by commas, or null
 */
export function asksStrict(prefer: string | null): boolean {
  if (prefer === null) return false;
  for (const preference of splitOutsideQuotes(prefer, ",")) {
    const [token = ""] = splitOutsideQuotes(preference, ";");
    const equals = token.indexOf("=");
    if (equals === -1 || token.slice(0, equals).trim().toLowerCase() !== "handling") continue;
    return unquoted(token.slice(equals + 1).trim()).toLowerCase() === "strict";
  }
  return false;
}

/** Splits at `separator`, but not within a quoted string (RFC 9110 section 5.6.4). */
function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted && char === "\\") i++;
    else if (char === '"') quoted = !quoted;
    else if (char === separator && !quoted) {
      parts.push(text.slice(from, i));
      from = i + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

const unquoted = (text: string): string =>
  text.length >= 2 && text.startsWith('"') && text.endsWith('"')
    ? text.slice(1, -1).replace(/\\(.)/g, "$1")
    : text;
