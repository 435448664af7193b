import { Counter, type Registry } from "prom-client";
import type { Telemetry } from "./telemetry.ts";

/** Counters of what is told outside of the process: what was lost there would otherwise be seen by nobody. */
export function registerTelemetryCounters(registry: Registry, statistics: Telemetry["statistics"]): void {
  const counter = (name: string, help: string, read: () => Record<string, number>) =>
    new Counter({
      name,
      help,
      labelNames: ["outcome"],
      registers: [registry],
      collect() {
        this.reset();
        for (const [outcome, count] of Object.entries(read())) this.inc({ outcome }, count);
      },
    });
  counter("pinhole_error_reports_total", "Errors reported to Sentry, by what became of the report.", () => ({
    ...statistics().reports,
  }));
  counter("pinhole_trace_spans_total", "Spans for the OTLP collector, by what became of them.", () => ({
    ...statistics().spans,
  }));
  new Counter({
    name: "pinhole_log_lines_lost_total",
    help: "Log lines that could not be written.",
    registers: [registry],
    collect() {
      this.reset();
      this.inc(statistics().logLinesLost);
    },
  });
}
