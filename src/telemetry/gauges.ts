import { Counter, Gauge, type Registry } from "prom-client";
import { registerSystemGauges, type SystemGauges } from "./system-gauges.ts";
import type { Telemetry } from "./telemetry.ts";
import { registerTelemetryCounters } from "./telemetry-gauges.ts";

/** Where the figures come from that are read when somebody scrapes; each must be cheap and must not throw. */
export interface Gauges extends SystemGauges {
  /** `queued`: requests admitted that wait for their turn; `inFlight`: images being decoded or inferred. */
  admission(): { admitted: number; queued: number; inFlight: number; heldBytes: number };
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
  recorder(): { waiting: number; written: number; dropped: number };
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

  gauge("pinhole_admitted_requests", "Requests admitted now.", () => gauges.admission().admitted);
  gauge("pinhole_queue_waiting_requests", "Admitted requests that wait.", () => gauges.admission().queued);
  gauge("pinhole_in_flight_images", "Images being decoded or inferred.", () => gauges.admission().inFlight);
  gauge("pinhole_held_bytes", "Body bytes held by admitted requests.", () => gauges.admission().heldBytes);
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
  const { deadlineMs, queueCapacity } = gauges.limits;
  gauge("pinhole_deadline_seconds", "Time to answer in: PINHOLE_DEADLINE_MS.", () => deadlineMs / 1000);
  gauge("pinhole_queue_capacity_requests", "Most requests admitted at once.", () => queueCapacity);

  return registerSystemGauges(registry, gauges);
}
