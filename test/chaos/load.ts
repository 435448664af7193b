import { photographs } from "../system/photographs.ts";
import type { Random } from "../system/random.ts";

/** How one request of the steady load ended. Instants of `performance.now()`. */
export interface Exchange {
  startedAt: number;
  endedAt: number;
  /** "200", "503 OVERLOADED", "closed" (refused or cut: the client knows), "hung" (it never learns). */
  outcome: string;
  /** Of an answer that was given. */
  predictionId?: string;
}

/** Far above every deadline and drain: who has no answer by then will get none. */
const HUNG_MS = 20_000;

/** Clients that post real photographs at an even pace, whatever becomes of the server. */
export class SteadyLoad {
  readonly exchanges: Exchange[] = [];
  readonly #ended = Promise.withResolvers<void>();
  readonly #clients: Promise<void>;
  #stopped = false;

  private constructor(
    url: string,
    clients: number,
    pauseMs: number,
    bodies: readonly Blob[],
    random: Random,
  ) {
    const client = async () => {
      while (!this.#stopped) {
        this.exchanges.push(await exchange(url, random.pick(bodies)));
        await Promise.race([Bun.sleep(pauseMs * 2 * random.next()), this.#ended.promise]);
      }
    };
    this.#clients = Promise.all(Array.from({ length: clients }, client)).then(() => undefined);
  }

  static async start(
    url: string,
    { clients, pauseMs, random }: { clients: number; pauseMs: number; random: Random },
  ): Promise<SteadyLoad> {
    const bodies = (await photographs()).map(({ bytes }) => new Blob([bytes], { type: "image/jpeg" }));
    return new SteadyLoad(url, clients, pauseMs, bodies, random);
  }

  /** Lets every request come to its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#ended.resolve();
    await this.#clients;
  }
}

async function exchange(url: string, body: Blob): Promise<Exchange> {
  const startedAt = performance.now();
  const end = (outcome: string, predictionId?: string): Exchange => ({
    startedAt,
    endedAt: performance.now(),
    outcome,
    ...(predictionId === undefined ? {} : { predictionId }),
  });
  try {
    const signal = AbortSignal.timeout(HUNG_MS);
    const response = await fetch(`${url}/api/v1/predict`, { method: "POST", body, signal });
    const answer = (await response.json()) as { prediction_id?: string; error?: string; fallback?: boolean };
    if (answer.fallback) return end("fallback");
    if (response.status === 200 && answer.prediction_id !== undefined)
      return end("200", answer.prediction_id);
    return end(`${response.status} ${answer.error ?? "without a code"}`);
  } catch (thrown) {
    return end(thrown instanceof Error && thrown.name === "TimeoutError" ? "hung" : "closed");
  }
}
