/** One metric of a registry as `getMetricsAsJSON` of prom-client has it, and as it passes between processes. */
export interface MetricSnapshot {
  name: string;
  help: string;
  /** A counter's and a histogram's values are added up. */
  type: string;
  values: Sample[];
}

interface Sample {
  value: number;
  labels: Record<string, string | number>;
  /** Of a histogram's: with `_bucket`, `_sum` or `_count`. */
  metricName?: string;
}

/**
 * What a gauge of several processes is: what each of them holds is added up; of what they share (a disk, a setting),
 * or what only the worst of tells anything, the largest or the least is taken. Every gauge stands here.
 */
export const GAUGE_MERGES: Readonly<Record<string, "sum" | "max" | "min">> = {
  pinhole_active_clients: "max",
  pinhole_admitted_requests: "sum",
  pinhole_batcher_waiting_rows: "sum",
  pinhole_build_info: "max",
  pinhole_cache_bytes: "sum",
  pinhole_cache_entries: "sum",
  pinhole_deadline_seconds: "max",
  pinhole_disk_free_bytes: "min",
  pinhole_disk_size_bytes: "max",
  pinhole_event_loop_delay_seconds: "max",
  pinhole_health_check_state: "max",
  pinhole_held_bytes: "sum",
  pinhole_in_flight_baseline_seconds: "max",
  pinhole_in_flight_gradient_ratio: "min",
  pinhole_in_flight_images: "sum",
  pinhole_in_flight_limit_images: "sum",
  pinhole_memory_hard_limit_bytes: "sum",
  pinhole_memory_limit_bytes: "max",
  pinhole_memory_shedding: "max",
  pinhole_memory_soft_limit_bytes: "sum",
  pinhole_process_heap_bytes: "sum",
  pinhole_process_open_files: "max",
  pinhole_process_open_files_limit: "min",
  pinhole_process_resident_memory_bytes: "sum",
  pinhole_process_start_time_seconds: "max",
  pinhole_processes: "max",
  pinhole_queue_capacity_requests: "sum",
  pinhole_queue_limit_images: "sum",
  pinhole_queue_wait_limit_seconds: "max",
  pinhole_queue_waiting_requests: "sum",
  pinhole_rate_limit_clients: "max",
  pinhole_reading_bytes: "sum",
  pinhole_reading_requests: "sum",
  pinhole_ready: "max",
  pinhole_recorder_healthy: "min",
  pinhole_recorder_waiting_rows: "sum",
  pinhole_resident_memory_stage_bytes: "sum",
  pinhole_supervisor_resident_memory_bytes: "max",
  pinhole_usable_cores: "max",
  pinhole_workers: "sum",
};

/** Counters that the supervisor keeps for all processes: each of them tells the same. */
const TOLD_BY_ALL: ReadonlySet<string> = new Set([
  "pinhole_process_restarts_total",
  "pinhole_rate_limit_requests_total",
]);

const JOIN = {
  sum: (a: number, b: number) => a + b,
  max: Math.max,
  min: Math.min,
};

/** The figures of several processes as those of one. What one of them lacks, the others say. */
export function mergeMetrics(snapshots: readonly (readonly MetricSnapshot[])[]): MetricSnapshot[] {
  const merged = new Map<string, { metric: MetricSnapshot; byLabels: Map<string, Sample> }>();
  for (const metric of snapshots.flat()) {
    const { name, help, type } = metric;
    const kept = merged.get(name) ?? {
      metric: { name, help, type, values: [] },
      byLabels: new Map<string, Sample>(),
    };
    merged.set(name, kept);
    const join = JOIN[isSummed(metric) ? "sum" : (GAUGE_MERGES[name] ?? "max")];
    for (const sample of metric.values) {
      const key = JSON.stringify([sample.metricName, Object.entries(sample.labels).sort()]);
      const known = kept.byLabels.get(key);
      if (known === undefined) {
        const first = { ...sample };
        kept.byLabels.set(key, first);
        kept.metric.values.push(first);
      } else known.value = join(known.value, sample.value);
    }
  }
  return [...merged.values()].map(({ metric }) => metric);
}

/** What stays when a process has ended: its counts. A sum that fell would look as if all had begun anew. */
export function countsOf(snapshot: readonly MetricSnapshot[]): MetricSnapshot[] {
  return snapshot.filter(isSummed);
}

const isSummed = ({ name, type }: MetricSnapshot): boolean => type !== "gauge" && !TOLD_BY_ALL.has(name);
