import { describe, expect, test } from "bun:test";
import { systemClock } from "../clock.ts";
import { CATALOGUE } from "../errors.ts";
import { EventLoopDelay } from "./event-loop-delay.ts";
import { GAUGE_MERGES, mergeMetrics } from "./merge-metrics.ts";
import { type Gauges, Metrics } from "./metrics.ts";
import { STAGES } from "./stages.ts";
import type { SystemFigures } from "./system-figures.ts";

const FIGURES: SystemFigures = {
  process: {
    startedAt: new Date(1_700_000_000_500),
    uptimeSeconds: 5,
    cpuUserSeconds: 23,
    cpuSystemSeconds: 24,
    residentBytes: 25,
    heapBytes: 26,
    openFiles: 27,
    openFilesLimit: null,
  },
  eventLoopDelay: { meanMs: 1, maxMs: 20 },
  memory: { totalBytes: 100, freeBytes: 50, limitBytes: 28 },
  cpu: { cores: 8, usableCores: 2, loadAverage: [1, 2, 3] },
  disk: { totalBytes: 30, freeBytes: 29 },
  uptimeSeconds: 1000,
};

const gauges: Gauges = {
  admission: () => ({
    admitted: 3,
    queued: 2,
    inFlight: 1,
    heldBytes: 4096,
    inFlightLimit: 31,
    gradient: 0.75,
    baselineMs: 320,
    queueLimit: 33,
    queueWaitMs: 1500,
  }),
  reading: () => ({ bodies: 19, bytes: 20 }),
  queueDrops: () => ({ deadline: 4, client_gone: 5 }),
  batcher: () => ({ waiting: 6 }),
  workers: () => ({ idle: 1, busy: 1 }),
  cache: () => ({ entries: 7, bytes: 8, hits: 9, misses: 10, shared: 11, evictions: 12 }),
  rateLimits: async () => [{ policy: "predict", admitted: 13, refused: 14, clients: 15 }],
  recorder: () => ({ healthy: true, waiting: 16, written: 17, failures: 23, dropped: 18 }),
  memory: () => ({ shedding: true, softBytes: 24, hardBytes: 25 }),
  telemetry: () => ({
    logLinesLost: 19,
    reports: { sent: 20, failed: 21, dropped: 22 },
    spans: { exported: 23, failed: 24 },
  }),
  activeClients: () => ({ today: 19, yesterday: 21 }),
  limits: { deadlineMs: 2500, queueCapacity: 22 },
  system: async () => FIGURES,
  health: () => ({ ready: true, checks: { disk: { state: "degraded" } } }),
  processes: async () => ({
    figures: { states: { ready: 2 }, restarts: { killed: 26 }, residentBytes: 27 },
    unanswered: 28,
  }),
};

const build = { version: "1.2.3", bun: "1.4.5" };
const scrape = async (metrics: Metrics) => (await metrics.exposition()).body;

describe("Metrics", () => {
  test("reads what is when somebody scrapes, each time anew", async () => {
    const metrics = new Metrics(build);
    let waiting = 6;
    metrics.observe({ ...gauges, batcher: () => ({ waiting }) });
    const first = await scrape(metrics);
    for (const line of [
      "pinhole_admitted_requests 3",
      "pinhole_queue_waiting_requests 2",
      "pinhole_in_flight_images 1",
      "pinhole_in_flight_limit_images 31",
      "pinhole_in_flight_gradient_ratio 0.75",
      "pinhole_in_flight_baseline_seconds 0.32",
      "pinhole_queue_limit_images 33",
      "pinhole_queue_wait_limit_seconds 1.5",
      "pinhole_held_bytes 4096",
      "pinhole_reading_requests 19",
      "pinhole_reading_bytes 20",
      'pinhole_queue_dropped_total{reason="deadline"} 4',
      "pinhole_batcher_waiting_rows 6",
      'pinhole_workers{state="idle"} 1',
      "pinhole_cache_entries 7",
      "pinhole_cache_bytes 8",
      "pinhole_cache_hits_total 9",
      "pinhole_cache_misses_total 10",
      "pinhole_cache_shared_total 11",
      "pinhole_cache_evictions_total 12",
      'pinhole_rate_limit_requests_total{policy="predict",verdict="admitted"} 13',
      'pinhole_rate_limit_requests_total{policy="predict",verdict="refused"} 14',
      'pinhole_rate_limit_clients{policy="predict"} 15',
      "pinhole_recorder_waiting_rows 16",
      "pinhole_recorder_written_total 17",
      "pinhole_recorder_dropped_total 18",
      "pinhole_recorder_failures_total 23",
      "pinhole_recorder_healthy 1",
      "pinhole_memory_shedding 1",
      "pinhole_memory_soft_limit_bytes 24",
      "pinhole_memory_hard_limit_bytes 25",
      "pinhole_log_lines_lost_total 19",
      'pinhole_error_reports_total{outcome="failed"} 21',
      'pinhole_trace_spans_total{outcome="exported"} 23',
      'pinhole_active_clients{day="today"} 19',
      'pinhole_active_clients{day="yesterday"} 21',
      "pinhole_deadline_seconds 2.5",
      "pinhole_queue_capacity_requests 22",
      'pinhole_process_cpu_seconds_total{mode="user"} 23',
      'pinhole_process_cpu_seconds_total{mode="system"} 24',
      "pinhole_process_start_time_seconds 1700000000.5",
      "pinhole_process_resident_memory_bytes 25",
      "pinhole_process_heap_bytes 26",
      "pinhole_process_open_files 27",
      "pinhole_memory_limit_bytes 28",
      "pinhole_usable_cores 2",
      "pinhole_disk_free_bytes 29",
      "pinhole_disk_size_bytes 30",
      "pinhole_ready 1",
      'pinhole_health_check_state{check="disk",state="ok"} 0',
      'pinhole_health_check_state{check="disk",state="degraded"} 1',
      'pinhole_health_check_state{check="disk",state="unhealthy"} 0',
      'pinhole_event_loop_delay_seconds{statistic="max"} 0.02',
      'pinhole_build_info{version="1.2.3",bun="1.4.5"} 1',
    ])
      expect(first.split("\n")).toContain(line);
    // This system does not tell the limit.
    expect(first).not.toContain("pinhole_process_open_files_limit 0");
    waiting = 0;
    const second = await scrape(metrics);
    expect(second).toContain("pinhole_batcher_waiting_rows 0\n");
    expect(second).toContain("pinhole_cache_hits_total 9\n");
    expect(second).toContain('pinhole_process_cpu_seconds_total{mode="user"} 23\n');
  });

  test("counts what happens to workers and what is dropped, each there from the start", async () => {
    const metrics = new Metrics(build);
    metrics.workerEvent("worker_wedged");
    metrics.drop("deadline");
    const body = (await scrape(metrics)).split("\n");
    expect(body).toContain('pinhole_worker_events_total{event="worker_wedged"} 1');
    expect(body).toContain('pinhole_worker_events_total{event="worker_recycled"} 0');
    expect(body).toContain('pinhole_tasks_dropped_total{reason="deadline"} 1');
    expect(body).toContain('pinhole_tasks_dropped_total{reason="client_gone"} 0');
  });

  test("has every stage and every code from the start", async () => {
    const metrics = new Metrics(build);
    metrics.expectModels(["leaf/1.0.0"]);
    const body = await scrape(metrics);
    for (const zero of [
      'pinhole_predictions_total{model="leaf/1.0.0",confidence="LOW"} 0',
      'pinhole_fallback_answers_total{model="leaf/1.0.0"} 0',
      'pinhole_images_total{outcome="INVALID_IMAGE"} 0',
      'nv_inference_request_failure{model="leaf",version="1.0.0",reason="BACKEND"} 0',
    ])
      expect(body.split("\n")).toContain(zero);
    for (const stage of [...STAGES, "total"])
      expect(body).toContain(`pinhole_stage_duration_seconds_count{stage="${stage}"} 0`);
    for (const code of [...Object.keys(CATALOGUE), "client_gone"])
      expect(body).toContain(`pinhole_errors_total{code="${code}"} 0`);
  });

  test("names end in their unit, and a process may have several without sharing", async () => {
    const metrics = new Metrics(build);
    metrics.observe(gauges);
    new Metrics(build).error("NO_IMAGE");
    const body = await scrape(metrics);
    expect(body).toContain('pinhole_errors_total{code="NO_IMAGE"} 0');
    const names = [...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names)
      expect(name).toMatch(
        /^pinhole_([a-z_]+_(seconds|bytes|total|requests|images|rows|entries|clients|cores|files|files_limit|state|info|ratio)|workers|processes|ready|recorder_healthy|memory_shedding)$|^nv_inference_[a-z_]+(_us|count|success|failure)$|^nv_inference_count$/,
      );
  });

  test("observes in seconds what is told in ms", async () => {
    const metrics = new Metrics(build);
    metrics.timings({ read: 1500, total: 2000 });
    metrics.request("/api/v1/predict", "POST", 200, 2000);
    metrics.request("unmatched", "INVENTED", 405, 1);
    metrics.batch("leaf/1.0.0", 3);
    metrics.drop("deadline");
    const body = await scrape(metrics);
    expect(body).toContain('pinhole_stage_duration_seconds_sum{stage="read"} 1.5');
    expect(body).toContain('_sum{route="/api/v1/predict",method="POST",status="200"} 2\n');
    expect(body).toContain('_count{route="unmatched",method="other",status="405"} 1\n');
    expect(body).not.toContain("INVENTED");
    expect(body).toContain('pinhole_batch_size_rows_bucket{le="2",model="leaf/1.0.0"} 0');
    expect(body).toContain('pinhole_batch_size_rows_bucket{le="4",model="leaf/1.0.0"} 1');
    expect(body).toContain('pinhole_tasks_dropped_total{reason="deadline"} 1');
  });
});

test("EventLoopDelay sees a blocked thread, and goes on seeing it for a while", async () => {
  let shiftMs = 0;
  const delay = new EventLoopDelay({ ...systemClock, now: () => performance.now() + shiftMs });
  await Bun.sleep(60);
  const until = performance.now() + 80;
  while (performance.now() < until);
  await Bun.sleep(60);
  expect(delay.read().maxMs).toBeGreaterThan(40);
  shiftMs = 10_001;
  expect(delay.read().maxMs).toBeGreaterThan(40);
  expect(delay.read().maxMs).toBeGreaterThan(40);
  delay.close();
});

test("every gauge says what it is of several processes", async () => {
  const metrics = new Metrics(build);
  metrics.observe(gauges);
  const all = (await metrics.snapshot()).filter(({ type }) => type === "gauge").map(({ name }) => name);
  expect(all.sort()).toEqual(Object.keys(GAUGE_MERGES).sort());
});

test("the figures of several processes are exposed as one", async () => {
  const metrics = new Metrics(build);
  metrics.observe(gauges);
  metrics.timings({ total: 3 });
  metrics.exposeAll(async (own) => mergeMetrics([own, own]));
  const said = (await scrape(metrics)).split("\n");
  for (const line of [
    "pinhole_admitted_requests 6",
    'pinhole_stage_duration_seconds_bucket{le="+Inf",stage="total"} 2',
    'pinhole_stage_duration_seconds_count{stage="total"} 2',
    'pinhole_build_info{version="1.2.3",bun="1.4.5"} 1',
    "pinhole_cache_hits_total 18",
    'pinhole_process_restarts_total{reason="killed"} 26',
    'pinhole_rate_limit_requests_total{policy="predict",verdict="refused"} 14',
    "# TYPE pinhole_stage_duration_seconds histogram",
  ])
    expect(said).toContain(line);
});
