import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GraphToolError } from "./graph-tool-error.ts";

/** Folder of the Python package that does graph work, with its requirements and tests. */
export const GRAPH_FOLDER = fileURLToPath(new URL("./graph", import.meta.url));

export interface GraphStepOptions {
  /** Where the job is written down while it runs. */
  workDir: string;
  onProgress(done: number, of: number, what: string): void;
  signal: AbortSignal;
}

/** One line of what a step says on its stdout. */
type Line = { done: number; of: number; what: string } | { result: unknown } | { error: string };

/** How much of what a step wrote to stderr is looked at when it fails. */
const STDERR_KEPT = 4000;

/**
 * Runs one step of graph work in a process of its own and waits for its end.
 * @param python the interpreter of `graphEnvironment`
 * @param job written as JSON; all paths absolute
 * @throws GraphToolError when the step says what is wrong, ends without a result or is killed; the signal's reason
 * when it is aborted, once the process has gone
 */
export async function runGraphStep<Result>(
  python: string,
  step: string,
  job: object,
  { workDir, onProgress, signal }: GraphStepOptions,
): Promise<Result> {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(workDir, `.${step}-`));
  try {
    const file = join(folder, "job.json");
    await Bun.write(file, JSON.stringify(job));
    // Beside the packages: the folder of the sources may not be ours to write to.
    const compiled = join(dirname(python), "../compiled");
    const flags = ["-X", "utf8", "-X", `pycache_prefix=${compiled}`];
    const child = Bun.spawn([python, ...flags, "-m", "pinhole_graph", step, file], {
      cwd: GRAPH_FOLDER,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      signal,
      // A step writes its files whole or not at all, and what else it writes into the folder of its job.
      killSignal: "SIGKILL",
    });
    const [last, complaint] = await Promise.all([
      readLines(child.stdout, onProgress),
      lastOf(child.stderr),
      child.exited,
    ]);
    signal.throwIfAborted();
    if (last && "result" in last) return last.result as Result;
    throw new GraphToolError(
      last && "error" in last
        ? last.error
        : unforeseen(step, child.signalCode === null ? null : String(child.signalCode), complaint),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns the last line that is no progress */
async function readLines(
  stream: ReadableStream<Uint8Array>,
  onProgress: GraphStepOptions["onProgress"],
): Promise<Exclude<Line, { done: number }> | null> {
  const decoder = new TextDecoder();
  let last: Exclude<Line, { done: number }> | null = null;
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const text of lines) {
      const line = JSON.parse(text) as Line;
      if ("done" in line) onProgress(line.done, line.of, line.what);
      else last = line;
    }
  }
  return last;
}

async function lastOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text = (text + decoder.decode(chunk, { stream: true })).slice(-STDERR_KEPT);
  }
  return text.trim();
}

function unforeseen(step: string, signal: string | null, complaint: string): string {
  if (signal !== null) {
    return `The step "${step}" was ended from outside (${signal}): perhaps the machine is short of memory.`;
  }
  const lastLine = complaint.split("\n").at(-1);
  return `The step "${step}" failed in a way that was not foreseen${lastLine ? `: ${lastLine}` : "."}`;
}
