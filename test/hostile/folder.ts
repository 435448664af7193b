import { add, failed, type Outcome, passed } from "../run/outcome.ts";
import { residentBytes } from "../system/held.ts";
import { wholePhotograph } from "./arsenal.ts";
import { inTheEnd, startTarget } from "./hostile.ts";
import { post } from "./post.ts";
import { Tally } from "./tally.ts";
import { Watch } from "./watch.ts";

const MIB = 1024 * 1024;
const CLIENTS = 4;

/** Posts every file under a folder, whatever it is. Each must be served or refused: 200 or a 4xx. */
export async function hostileFolder(path: string): Promise<Outcome> {
  const files = [...new Bun.Glob("**/*").scanSync({ cwd: path, onlyFiles: true, absolute: true, dot: true })];
  if (files.length === 0) return failed(`${path} holds no file`);
  await using server = await startTarget();
  using watch = new Watch(server);
  const leaf = await wholePhotograph();
  await post(server, { bytes: leaf, contentType: "image/jpeg" });
  const before = residentBytes(server.pid);
  const tally = new Tally();
  const outcomes: Outcome[] = [];
  const rest = files.sort().values();
  const client = async () => {
    for (const file of rest) {
      const bytes = await Bun.file(file).bytes();
      const { outcome, ms } = await post(server, { bytes, contentType: "application/octet-stream" });
      tally.add(outcome, file, ms);
      outcomes.push(/^(200$|4\d\d )/.test(outcome) ? passed() : failed(`${file}: ${outcome}`));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  console.log(`${path}: ${files.length} files`);
  for (const line of tally.lines()) console.log(line);
  const after = residentBytes(server.pid);
  console.log(`  resident: ${(before / MIB).toFixed(0)} MiB before, ${(after / MIB).toFixed(0)} MiB after`);
  return add(...outcomes, ...(await inTheEnd(server, watch, leaf)));
}
