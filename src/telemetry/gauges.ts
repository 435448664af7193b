import { Counter, Gauge, type Registry } from "prom-client";
import { type AdmissionFigures, registerAdmissionGauges } from "./admission-figures.ts";
import { type ProcessGauges, registerProcessGauges } from "./process-gauges.ts";
import { registerSystemGauges, type SystemGauges } from "./system-gauges.ts";
import type { Telemetry } from "./telemetry.ts";
import { registerTelemetryCounters } from "./telemetry-gauges.ts";

/** Where the figures come from that are read when somebody scrapes; each must be cheap and must not throw. */
export interface Gauges extends SystemGauges, ProcessGauges {
  admission(): AdmissionFigures;
  /** Bodies that are being read, and the bytes of them that have come. */
  reading(): { readonly bodies: number; readonly bytes: number };
  /** Waiters that the queue dropped since the start, by reason. */
  queueDrops(): Record<string, number>;
  /** Tasks that wait for a worker. */
  batcher(): { waiting: number };
  /** How many workers are in each state; `missing`: how many fewer than wanted can run a batch. */
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
  /** `healthy`: whether the last write succeeded; `failures`: writes that did not, since the start. */
  recorder(): { healthy: boolean; waiting: number; written: number; failures: number; dropped: number };
  /** Whether new work is refused for want of memory, from where on it is, and from where on the process ends. */
  memory(): { shedding: boolean; softBytes: number; hardBytes: number };
  /** Different clients that reached a model, by UTC day. */
  activeClients(): { today: number; yesterday: number };
  /** Log lines, error reports and spans. */
  telemetry: Telemetry["statistics"];
  /** Settings that alerts and boards hold figures against. */
  limits: { deadlineMs: number; queueCapacity: number };
}

/**
 * Gauges and counters whose values live elsewhere: each scrape reads them anew.
 * @returns what is to be awaited before each scrape
 */
export function registerGauges(registry: Registry, gauges: Gauges): () => Promise<void> {
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

  registerAdmissionGauges(registry, gauges.admission);
  gauge("pinhole_reading_requests", "Requests whose body is being read.", () => gauges.reading().bodies);
  gauge("pinhole_reading_bytes", "Bytes of these bodies that have come.", () => gauges.reading().bytes);
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
    help: "Worker threads by state; missing: how many fewer than there should be can run a batch.",
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
  counter("pinhole_recorder_failures_total", "Writes that failed.", () => gauges.recorder().failures);
  gauge("pinhole_recorder_healthy", "1 where the last write of records succeeded; else 0.", () =>
    Number(gauges.recorder().healthy),
  );
  registerTelemetryCounters(registry, gauges.telemetry);

  new Gauge({
    name: "pinhole_active_clients",
    help: "Different clients whose requests reached a model, by UTC day; at most 2% off.",
    labelNames: ["day"],
    registers,
    collect() {
      const { today, yesterday } = gauges.activeClients();
      this.set({ day: "today" }, today);
      this.set({ day: "yesterday" }, yesterday);
    },
  });
  gauge("pinhole_memory_shedding", "1 while new work is refused for want of memory; else 0.", () =>
    Number(gauges.memory().shedding),
  );
  gauge("pinhole_memory_soft_limit_bytes", "Resident memory from which on new work is refused.", () => {
    return gauges.memory().softBytes;
  });
  gauge("pinhole_memory_hard_limit_bytes", "Resident memory at which the process is replaced.", () => {
    return gauges.memory().hardBytes;
  });
  const { deadlineMs, queueCapacity } = gauges.limits;
  gauge("pinhole_deadline_seconds", "Time to answer in: PINHOLE_DEADLINE_MS.", () => deadlineMs / 1000);
  gauge("pinhole_queue_capacity_requests", "Most requests admitted at once.", () => queueCapacity);

  const refresh = [registerSystemGauges(registry, gauges), registerProcessGauges(registry, gauges)];
  return async () => void (await Promise.all(refresh.map((read) => read())));
}
