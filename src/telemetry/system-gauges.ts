import { Counter, Gauge, type Registry } from "prom-client";
import type { SystemFigures } from "./system-figures.ts";

const CHECK_STATES = ["ok", "degraded", "unhealthy"] as const;

/** Where the figures of process, machine and health are read when somebody scrapes; none may throw. */
export interface SystemGauges {
  system(): Promise<SystemFigures>;
  /** `checks`: what each found when it last ran. */
  health(): { ready: boolean; checks: Readonly<Record<string, { state: (typeof CHECK_STATES)[number] }>> };
}

/** @returns what reads them all anew: to be awaited before each scrape */
export function registerSystemGauges(registry: Registry, gauges: SystemGauges): () => Promise<void> {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });

  const cpu = new Counter({
    name: "pinhole_process_cpu_seconds_total",
    help: "CPU time of the process, all threads.",
    labelNames: ["mode"],
    registers,
  });
  const startTime = gauge("pinhole_process_start_time_seconds", "When the process started, Unix time.");
  const resident = gauge("pinhole_process_resident_memory_bytes", "Resident memory of the process.");
  const heap = gauge("pinhole_process_heap_bytes", "JavaScript heap of the server's own thread.");
  const openFiles = gauge("pinhole_process_open_files", "File descriptors that are open.");
  const openFilesLimit = gauge("pinhole_process_open_files_limit", "Most file descriptors that may be open.");
  const memoryLimit = gauge(
    "pinhole_memory_limit_bytes",
    "Memory that the process may use: of its control group or the machine.",
  );
  const cores = gauge(
    "pinhole_usable_cores",
    "Cores that the process may use: of its control group or affinity.",
  );
  const diskFree = gauge("pinhole_disk_free_bytes", "Free on the disk of the data directory.");
  const diskSize = gauge("pinhole_disk_size_bytes", "Size of the disk of the data directory.");
  const delay = new Gauge({
    name: "pinhole_event_loop_delay_seconds",
    help: "How late the server's own thread was in the last seconds: mean and worst.",
    labelNames: ["statistic"],
    registers,
  });
  const ready = gauge(
    "pinhole_ready",
    "1 where requests are to be sent here, as /health/ready says; else 0.",
  );
  const checks = new Gauge({
    name: "pinhole_health_check_state",
    help: "1 for the state that each health check was in when it last ran.",
    labelNames: ["check", "state"],
    registers,
  });
  const set = (target: Gauge, value: number | null) => {
    if (value === null) target.remove();
    else target.set(value);
  };

  return async () => {
    const figures = await gauges.system();
    const { process, disk } = figures;
    cpu.reset();
    cpu.inc({ mode: "user" }, process.cpuUserSeconds);
    cpu.inc({ mode: "system" }, process.cpuSystemSeconds);
    startTime.set(process.startedAt.getTime() / 1000);
    resident.set(process.residentBytes);
    heap.set(process.heapBytes);
    set(openFiles, process.openFiles);
    set(openFilesLimit, process.openFilesLimit);
    memoryLimit.set(figures.memory.limitBytes);
    cores.set(figures.cpu.usableCores);
    set(diskFree, disk.freeBytes);
    set(diskSize, disk.totalBytes);
    delay.set({ statistic: "mean" }, figures.eventLoopDelay.meanMs / 1000);
    delay.set({ statistic: "max" }, figures.eventLoopDelay.maxMs / 1000);
    const health = gauges.health();
    ready.set(health.ready ? 1 : 0);
    for (const [check, { state }] of Object.entries(health.checks))
      for (const possible of CHECK_STATES) checks.set({ check, state: possible }, state === possible ? 1 : 0);
  };
}
