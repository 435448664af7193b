/** What is read of the server's `/metrics` while it is under load. */
export interface Sample {
  /** Seconds since the load began. */
  second: number;
  residentBytes: number;
  cpuSeconds: number;
  /** Images being decoded or inferred. */
  inFlightImages: number;
  /** Requests admitted, waiting ones included. */
  admittedRequests: number;
  /** Predictions finished since the server started, and the seconds that they spent at each station. */
  predictions: number;
  stageSeconds: Record<string, number>;
}

/**
 * Reads the Prometheus text format (exposition format 0.0.4). What is missing there is 0.
 * @param second when it was read
 */
export function parseSample(exposition: string, second: number): Sample {
  const values = new Map<string, number>();
  for (const line of exposition.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name, value] = /^(\w+(?:\{.*\})?) (\S+)/.exec(line) ?? [];
    if (name !== undefined) values.set(name, Number(value));
  }
  const gauge = (name: string) => values.get(name) ?? 0;
  const stageSeconds: Record<string, number> = {};
  let cpuSeconds = 0;
  for (const [name, value] of values) {
    if (name.startsWith("pinhole_process_cpu_seconds_total{")) cpuSeconds += value;
    const stage = /^pinhole_stage_duration_seconds_sum\{stage="(\w+)"\}$/.exec(name)?.[1];
    if (stage !== undefined && stage !== "total") stageSeconds[stage] = value;
  }
  return {
    second,
    residentBytes: gauge("pinhole_process_resident_memory_bytes"),
    cpuSeconds,
    inFlightImages: gauge("pinhole_in_flight_images"),
    admittedRequests: gauge("pinhole_admitted_requests"),
    predictions: gauge('pinhole_stage_duration_seconds_count{stage="total"}'),
    stageSeconds,
  };
}
