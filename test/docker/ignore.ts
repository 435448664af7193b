/**
 * Whether a path is left out of the build context by these lines of a .dockerignore: the last line that matches
 * it, or a folder above it, decides; `!` takes in again.
 * Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
export function ignoreRule(source: string): (path: string) => boolean {
  const lines = source
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  const rules = lines.map((line) => {
    const takesIn = line.startsWith("!");
    const pattern = line.slice(takesIn ? 1 : 0).replace(/^\/|\/$/g, "");
    return { takesIn, glob: new Bun.Glob(pattern) };
  });
  return (path) => {
    const parts = path.split("/");
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    const last = rules.findLast(({ glob }) => prefixes.some((prefix) => glob.match(prefix)));
    return last !== undefined && !last.takesIn;
  };
}
