import { Counter, Gauge, type Registry } from "prom-client";

/** Where the figures come from that are read when somebody scrapes; each must be cheap and must not throw. */
export interface Gauges {
  /** `queued`: requests admitted that wait for their turn; `inFlight`: images being decoded or inferred. */
  admission(): { admitted: number; queued: number; inFlight: number; heldBytes: number };
  /** Waiters that the queue dropped since the start, by reason. */
  queueDrops(): Record<string, number>;
  /** Tasks that wait for a worker. */
  batcher(): { waiting: number };
  /** How many workers are in each state. */
  workers(): Record<string, number>;
  cache(): {
    entries: number;
    bytes: number;
    hits: number;
    misses: number;
    shared: number;
    evictions: number;
  };
  rateLimits():
    | { policy: string; admitted: number; refused: number; clients: number }[]
    | Promise<{ policy: string; admitted: number; refused: number; clients: number }[]>;
  recorder(): { waiting: number; written: number; dropped: number };
  /** How late the server's own thread lately was. */
  eventLoopDelay(): { meanMs: number; maxMs: number };
}

/** Gauges and counters whose values live elsewhere: each scrape reads them anew. */
export function registerGauges(registry: Registry, gauges: Gauges): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });

  gauge("pinhole_admitted_requests", "Requests admitted now.", () => gauges.admission().admitted);
  gauge("pinhole_queue_waiting_requests", "Admitted requests that wait.", () => gauges.admission().queued);
  gauge("pinhole_in_flight_images", "Images being decoded or inferred.", () => gauges.admission().inFlight);
  gauge("pinhole_held_bytes", "Body bytes held by admitted requests.", () => gauges.admission().heldBytes);
  new Counter({
    name: "pinhole_queue_dropped_total",
    help: "Images whose wait ended without their turn, by reason.",
    labelNames: ["reason"],
    registers,
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(gauges.queueDrops())) this.inc({ reason }, count);
    },
  });
  gauge("pinhole_batcher_waiting_rows", "Rows that wait for a worker.", () => gauges.batcher().waiting);
  new Gauge({
    name: "pinhole_workers",
    help: "Worker threads by state.",
    labelNames: ["state"],
    registers,
    collect() {
      this.reset();
      for (const [state, count] of Object.entries(gauges.workers())) this.set({ state }, count);
    },
  });

  gauge("pinhole_cache_entries", "Answers in the cache.", () => gauges.cache().entries);
  gauge("pinhole_cache_bytes", "Size of the answers in the cache.", () => gauges.cache().bytes);
  counter("pinhole_cache_hits_total", "Photographs answered from the cache.", () => gauges.cache().hits);
  counter("pinhole_cache_misses_total", "Photographs not found in the cache.", () => gauges.cache().misses);

  counter(
    "pinhole_cache_shared_total",
    "Photographs that waited for an equal run.",
    () => gauges.cache().shared,
  );
  counter("pinhole_cache_evictions_total", "Answers that had to make room.", () => gauges.cache().evictions);

  new Counter({
    name: "pinhole_rate_limit_requests_total",
    help: "Requests that were asked about, by limit and verdict.",
    labelNames: ["policy", "verdict"],
    registers,
    async collect() {
      const limits = await gauges.rateLimits();
      this.reset();
      for (const { policy, admitted, refused } of limits) {
        this.inc({ policy, verdict: "admitted" }, admitted);
        this.inc({ policy, verdict: "refused" }, refused);
      }
    },
  });
  new Gauge({
    name: "pinhole_rate_limit_clients",
    help: "Clients remembered by each limit.",
    labelNames: ["policy"],
    registers,
    async collect() {
      for (const { policy, clients } of await gauges.rateLimits()) this.set({ policy }, clients);
    },
  });

  gauge("pinhole_recorder_waiting_rows", "Records that wait to be written.", () => gauges.recorder().waiting);
  counter("pinhole_recorder_written_total", "Records written.", () => gauges.recorder().written);
  counter("pinhole_recorder_dropped_total", "Records lost.", () => gauges.recorder().dropped);

  registerProcess(registry, gauges);
}

function registerProcess(registry: Registry, gauges: Gauges): void {
  const registers = [registry];
  new Counter({
    name: "pinhole_process_cpu_seconds_total",
    help: "CPU time of the process, all threads.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: "pinhole_process_resident_memory_bytes",
    help: "Resident memory of the process.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: "pinhole_event_loop_delay_seconds",
    help: "How late the server's own thread was in the last seconds: mean and worst.",
    labelNames: ["statistic"],
    registers,
    collect() {
      const { meanMs, maxMs } = gauges.eventLoopDelay();
      this.set({ statistic: "mean" }, meanMs / 1000);
      this.set({ statistic: "max" }, maxMs / 1000);
    },
  });
}
