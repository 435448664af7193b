import type { Clock, NewId } from "../clock.ts";
import type { Config } from "../settings.ts";
import { ErrorReporter, type ReportStatistics } from "./error-reporter.ts";
import type { Logs } from "./log.ts";
import { openLogs } from "./open-logs.ts";
import { parseDsn } from "./sentry-event.ts";
import type { TraceStatistics, Tracing } from "./tracing.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** What tells people outside of the process how it does, metrics left out. */
export interface Telemetry {
  logs: Logs;
  /** Null: tracing is off. */
  tracing: Tracing | null;
  statistics(): { logLinesLost: number; reports: ReportStatistics; spans: TraceStatistics };
  /** Sends what waits, then writes what waits, each for `timeoutMs` at most. */
  close(timeoutMs: number): Promise<void>;
}

/** @throws ConfigError for a DSN or an endpoint that is none */
export async function createTelemetry(
  config: Config,
  options: {
    clock: Clock;
    newId: NewId;
    version: string;
    /** As `openLogs` has it. */
    writer?: string | null;
    onLogTrouble(error: unknown): void;
  },
): Promise<Telemetry> {
  const { clock, newId, version, writer = null, onLogTrouble } = options;
  const { environment } = config;
  const runtime = { name: "bun", version: Bun.version };
  const reporter =
    config.sentryDsn === ""
      ? null
      : new ErrorReporter({
          dsn: parseDsn(config.sentryDsn),
          origin: { release: `pinhole@${version}`, environment, runtime, root: ROOT },
          clock,
          newId,
        });
  const tracing = config.otlpEndpoint === "" ? null : await openTracing(config, clock, version);
  const onError = (fields: Record<string, unknown>, message: string) => reporter?.report(fields, message);
  const logs = openLogs(config, { clock, writer, onError, onTrouble: onLogTrouble });
  return {
    logs,
    tracing,
    statistics: () => ({
      logLinesLost: logs.lost,
      reports: reporter?.statistics() ?? { sent: 0, failed: 0, dropped: 0 },
      spans: tracing?.statistics() ?? { exported: 0, failed: 0 },
    }),
    async close(timeoutMs) {
      await Promise.all([reporter?.flush(timeoutMs), tracing?.close(timeoutMs)]);
      // Who reads standard output may have stopped reading.
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(timeoutMs, resolve);
      await Promise.race([logs.close(), late]);
      cancel();
    },
  };
}

/** Loaded only when it is wanted: OpenTelemetry costs a tenth of a second and some megabytes. */
async function openTracing(config: Config, clock: Clock, version: string): Promise<Tracing> {
  const { OpenTelemetryTracing } = await import("./open-telemetry.ts");
  const { environment, otlpEndpoint: endpoint, traceSampleRatio: sampleRatio } = config;
  return new OpenTelemetryTracing({ endpoint, sampleRatio, version, environment, clock });
}
