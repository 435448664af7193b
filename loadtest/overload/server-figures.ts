/** What the server says of its limits while it is measured. */
export interface ServerFigures {
  workers: number;
  inFlightLimit: number;
  /** Share of their time in flight that images were worked on. */
  gradient: number;
  queueLimit: number;
  /** Longest wait for a turn, ms. */
  queueWaitMs: number;
  /** CPU time since its start, s. */
  cpuSeconds: number;
}

/** Reads them from `/metrics`. */
export async function readServer(baseUrl: string, operatorToken: string): Promise<ServerFigures> {
  const headers = { authorization: `Bearer ${operatorToken}` };
  const response = await fetch(`${baseUrl}/metrics`, { headers });
  if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
  const text = await response.text();
  const sum = (name: string) =>
    text
      .split("\n")
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce(
        (total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1).replace("Inf", "Infinity")),
        0,
      );
  const workers = (state: string) => sum(`pinhole_workers{state="${state}"}`);
  return {
    workers: workers("idle") + workers("busy"),
    inFlightLimit: sum("pinhole_in_flight_limit_images"),
    gradient: sum("pinhole_in_flight_gradient_ratio"),
    queueLimit: sum("pinhole_queue_limit_images"),
    queueWaitMs: 1000 * sum("pinhole_queue_wait_limit_seconds"),
    cpuSeconds: sum("pinhole_process_cpu_seconds_total"),
  };
}

/** Reads them every so often until it is told to stop. */
export class ServerWatch {
  readonly #seen: ServerFigures[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(baseUrl: string, operatorToken: string, intervalMs = 500) {
    this.#timer = setInterval(() => {
      // Without an answer there is nothing to note; whether requests are answered is seen elsewhere.
      void readServer(baseUrl, operatorToken).then(
        (figures) => this.#seen.push(figures),
        () => undefined,
      );
    }, intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The largest of each. */
  most(): ServerFigures | null {
    const [first, ...others] = this.#seen;
    if (first === undefined) return null;
    return others.reduce((most, seen) => {
      const keys = Object.keys(most) as (keyof ServerFigures)[];
      return Object.fromEntries(
        keys.map((key) => [key, Math.max(most[key], seen[key])]),
      ) as unknown as ServerFigures;
    }, first);
  }
}
