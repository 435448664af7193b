import type { BareJob, BareResult } from "./main.ts";

const MAIN = new URL("main.ts", import.meta.url).pathname;

/** All loops together. */
export interface BareFigures {
  images: number;
  cpuMsPerImage: number;
  imagesPerSecond: number;
}

/**
 * Runs the bare decode-and-infer loop `count` times at once, each in a process of its own, begun together.
 * @throws Error where one fails: its own words are on stderr
 */
export async function runBare(job: Omit<BareJob, "first">, count: number): Promise<BareFigures> {
  const loops = Array.from({ length: count }, (_, index) => start(job, index, count));
  try {
    await Promise.all(loops.map(({ ready }) => ready));
    for (const { go } of loops) go();
    const results = await Promise.all(loops.map(({ result }) => result));
    const images = results.reduce((sum, each) => sum + each.images, 0);
    return {
      images,
      cpuMsPerImage: results.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / images,
      imagesPerSecond: results.reduce((sum, each) => sum + each.images / each.seconds, 0),
    };
  } finally {
    for (const { end } of loops) end();
  }
}

function start(job: Omit<BareJob, "first">, index: number, count: number) {
  const child = Bun.spawn([process.execPath, "--no-env-file", MAIN], {
    env: { ...process.env, MALLOC_ARENA_MAX: "2", ORT_DISABLE_TELEMETRY: "1" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const first = Math.floor((index * job.files.length) / count);
  child.stdin.write(`${JSON.stringify({ ...job, first })}\n`);
  child.stdin.flush();
  const lines = linesOf(child.stdout);
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`a bare loop ended with ${await child.exited}`);
    return value;
  };
  const ready = next();
  return {
    ready,
    result: ready.then(next).then((line) => JSON.parse(line) as BareResult),
    go() {
      child.stdin.write("go\n");
      child.stdin.flush();
    },
    end: () => child.kill("SIGKILL"),
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
