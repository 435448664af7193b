/** What a load generator is to send. */
export interface LoadJob {
  url: string;
  /** Files that are sent in turn, as the body itself or as a form's field; null: a GET without a body. */
  bodies: { files: readonly string[]; contentType: string; formField: string | null } | null;
  connections: number;
  /** After so many seconds nothing more is sent; what is under way is waited for. */
  seconds: number;
  /**
   * Requests a second, evenly spaced, whether or not the server keeps up (each is timed from when it was due);
   * null: each connection sends its next request once it has its answer.
   */
  rate: number | null;
}

export interface LoadResult {
  /** Answers with status 200 that are none of the fallback. */
  answers: number;
  /** How many of each kind: a status, "fallback", "connection" (lost, refused, not HTTP). */
  failures: Record<string, number>;
  /** From the first request to the last answer. */
  seconds: number;
  /** Answers a second; failures count for nothing. */
  answersPerSecond: number;
  /** Of the answers, in ms; null when there were none. */
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
  /** CPU time of the generator itself while it ran, as a share of one core: load that a real client would not be. */
  generatorCores: number;
}

const MAIN = new URL("main.ts", import.meta.url).pathname;
/** For a server that is slow to answer what is under way at the end. */
const GRACE_SECONDS = 120;

/**
 * Runs a load generator in a process of its own.
 * @throws Error when it did not come to an end
 */
export async function runLoad(job: LoadJob): Promise<LoadResult> {
  const process_ = Bun.spawn([process.execPath, "--no-env-file", MAIN], {
    stdin: new Blob([JSON.stringify(job)]),
    stdout: "pipe",
    stderr: "inherit",
    timeout: (job.seconds + GRACE_SECONDS) * 1000,
  });
  const [text, code] = await Promise.all([new Response(process_.stdout).text(), process_.exited]);
  if (code !== 0) throw new Error(`the load generator ended with ${process_.signalCode ?? code}`);
  return JSON.parse(text) as LoadResult;
}

/** All failures of a result. */
export function failureCount({ failures }: LoadResult): number {
  return Object.values(failures).reduce((sum, count) => sum + count, 0);
}
