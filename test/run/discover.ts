import { relative } from "node:path";
import { repositoryRoot } from "./command.ts";

/**
 * Every `*.test.ts` of the repository: those of test/system want a server process and run one file at a time,
 * all others are unit tests. By looking for them all, none can be left out of the gate.
 */
export async function discoverTests(root = repositoryRoot()): Promise<{ unit: string[]; system: string[] }> {
  const all: string[] = [];
  for await (const path of new Bun.Glob("**/*.test.ts").scan({ cwd: root, onlyFiles: true })) {
    if (!/(^|\/)(node_modules|\.tools|\.venv)\//.test(path)) all.push(relative(".", path));
  }
  all.sort();
  const isSystem = (path: string) => path.startsWith("test/system/");
  return { unit: all.filter((path) => !isSystem(path)), system: all.filter(isSystem) };
}
