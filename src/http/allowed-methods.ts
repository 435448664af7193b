/** Finds the methods of the routes that a path belongs to, as a list for `Allow`; null for an unknown path. */
export type AllowedMethods = (path: string) => string | null;

/** @param routes with patterns such as `/models/:name`; a parameter is one segment that is not empty */
export function allowedMethods(routes: readonly { method: string; path: string }[]): AllowedMethods {
  const known = routes.map(({ method, path }) => ({ method, segments: segmentsOf(path) }));
  return (path) => {
    const segments = segmentsOf(path);
    const methods = new Set<string>();
    for (const route of known) if (matches(route.segments, segments)) methods.add(route.method);
    if (methods.size === 0) return null;
    if (methods.has("GET")) methods.add("HEAD");
    methods.add("OPTIONS");
    return [...methods].sort().join(", ");
  };
}

/** The router takes a trailing slash and a doubled first one as if they weren't there. */
const segmentsOf = (path: string): string[] => path.replace(/\/$/, "").split("/").slice(1);

const matches = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.length === segments.length &&
  pattern.every((part, index) => (part.startsWith(":") ? segments[index] !== "" : part === segments[index]));
