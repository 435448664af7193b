import { Counter, Gauge, type Registry } from "prom-client";

/** What the supervisor tells of the server processes. */
export interface ProcessGauges {
  /** `figures`: null while the supervisor does not answer; then the last ones stay. */
  processes(): Promise<{
    figures: SupervisorFigures | null;
    /** Questions of this process that the supervisor did not answer. */
    unanswered: number;
  }>;
}

interface SupervisorFigures {
  states: Readonly<Record<string, number>>;
  restarts: Readonly<Record<string, number>>;
  residentBytes: number;
}

/** What is told where nobody supervises: this one process, for ever in its first run. */
export const ALONE: SupervisorFigures = {
  states: { ready: 1, starting: 0, ended: 0 },
  restarts: { exited: 0, killed: 0, silent: 0, start_timeout: 0 },
  residentBytes: 0,
};

/** @returns what reads them all anew: to be awaited before each scrape */
export function registerProcessGauges(registry: Registry, gauges: ProcessGauges): () => Promise<void> {
  const registers = [registry];
  const processes = new Gauge({
    name: "pinhole_processes",
    help: "Server processes by state; ended: they wait to be started again.",
    labelNames: ["state"],
    registers,
  });
  const restarts = new Counter({
    name: "pinhole_process_restarts_total",
    help: "Server processes that were started again, by how the run before ended.",
    labelNames: ["reason"],
    registers,
  });
  const resident = new Gauge({
    name: "pinhole_supervisor_resident_memory_bytes",
    help: "Resident memory of the supervisor; 0 where there is none.",
    registers,
  });
  const unanswered = new Counter({
    name: "pinhole_supervisor_unanswered_total",
    help: "Questions that the supervisor did not answer in time: requests that met one were refused.",
    registers,
  });

  return async () => {
    const { figures, unanswered: count } = await gauges.processes();
    unanswered.reset();
    unanswered.inc(count);
    if (figures === null) return;
    for (const [state, number] of Object.entries(figures.states)) processes.set({ state }, number);
    restarts.reset();
    for (const [reason, number] of Object.entries(figures.restarts)) restarts.inc({ reason }, number);
    resident.set(figures.residentBytes);
  };
}
