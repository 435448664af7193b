import { percentile } from "../statistics.ts";
import { Connection } from "./connection.ts";
import type { LoadJob, LoadResult } from "./job.ts";
import { Requests, readBodies } from "./request.ts";
import type { HttpResponse } from "./response.ts";

const FALLBACK = /"fallback"\s*:\s*true/;
/** A server that is not there is asked again after this. */
const RETRY_MS = 20;

/** Sends what the job says and times the answers. */
export async function generate(job: LoadJob): Promise<LoadResult> {
  const bodies = await readBodies(job);
  const run = new Run(job, bodies);
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  if (job.rate === null) await run.closedLoop(startedAt);
  else await run.openLoop(startedAt, job.rate);
  const cpu = process.cpuUsage(cpuBefore);
  const seconds = (performance.now() - startedAt) / 1000;
  const sorted = Float64Array.from(run.latenciesMs).sort();
  const at = (share: number) => (sorted.length === 0 ? null : percentile(sorted, share));
  return {
    answers: sorted.length,
    failures: run.failures,
    seconds,
    answersPerSecond: sorted.length / seconds,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    generatorCores: (cpu.user + cpu.system) / 1e6 / seconds,
  };
}

class Run {
  readonly latenciesMs: number[] = [];
  readonly failures: Record<string, number> = {};
  readonly #job: LoadJob;
  readonly #clients: { connection: Connection; requests: Requests }[];
  #sent = 0;

  constructor(job: LoadJob, bodies: readonly Uint8Array[]) {
    this.#job = job;
    this.#clients = Array.from({ length: job.connections }, (_, client) => ({
      connection: new Connection(new URL(job.url)),
      requests: new Requests(job, bodies, client),
    }));
  }

  async closedLoop(startedAt: number): Promise<void> {
    const endsAt = startedAt + this.#job.seconds * 1000;
    await Promise.all(
      this.#clients.map(async (_, client) => {
        while (performance.now() < endsAt) await this.#exchange(client, performance.now());
      }),
    );
    this.#close();
  }

  /** What is due while all connections are busy waits, and its waiting counts. */
  async openLoop(startedAt: number, rate: number): Promise<void> {
    const total = Math.round(this.#job.seconds * rate);
    const dueAt = (index: number) => startedAt + (index / rate) * 1000;
    let next = 0;
    await Promise.all(
      this.#clients.map(async (_, client) => {
        while (next < total) {
          const index = next++;
          const earlyMs = dueAt(index) - performance.now();
          if (earlyMs > 0) await Bun.sleep(earlyMs);
          // A timer that rings late is the generator's fault, a connection that was busy the server's.
          await this.#exchange(client, earlyMs > 0 ? performance.now() : dueAt(index));
        }
      }),
    );
    this.#close();
  }

  async #exchange(client: number, since: number): Promise<void> {
    const { connection, requests } = this.#clients[client]!;
    try {
      const response = await connection.send(requests.at(this.#sent++));
      const failure = failureOf(response);
      if (failure === null) this.latenciesMs.push(performance.now() - since);
      else this.#fail(failure);
    } catch {
      this.#fail("connection");
      await Bun.sleep(RETRY_MS);
    }
  }

  #fail(kind: string): void {
    this.failures[kind] = (this.failures[kind] ?? 0) + 1;
  }

  #close(): void {
    for (const { connection } of this.#clients) connection.close();
  }
}

/** An answer that stands in for one is none. */
function failureOf({ status, body }: HttpResponse): string | null {
  if (status !== 200) return String(status);
  return body.includes('"fallback"') && FALLBACK.test(body.toString()) ? "fallback" : null;
}
