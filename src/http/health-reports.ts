import type { AdmissionFigures } from "../telemetry/admission-figures.ts";
import type { SystemFigures } from "../telemetry/system-figures.ts";
import { json } from "./json.ts";
import { jsonResponse, type OpenApi, operation } from "./openapi/operation.ts";
import { operatorGuard } from "./operator-guard.ts";
import { QueryReader, queryOf } from "./query.ts";
import { routes } from "./routes.ts";
import type { HttpServices } from "./services.ts";
import { VERSION } from "./version.ts";

const HISTORY_REPORTS = 100;
const HISTORY_MOST_REPORTS = 1000;

const HISTORY_LIMIT: OpenApi = {
  name: "limit",
  in: "query",
  description: "Most reports.",
  schema: { type: "integer", minimum: 1, maximum: HISTORY_MOST_REPORTS, default: HISTORY_REPORTS },
};

/** What the checks found, and the figures of process and machine: for operators. */
export function healthReportRoutes(services: HttpServices) {
  const { health, healthHistory, system, admission } = services;
  const guarded = routes()
    .onBeforeHandle(operatorGuard(services))
    .get(
      "/health/detailed",
      async ({ set }) => {
        const { status, ready, draining, failing, checks } = await health.report();
        if (status === "unhealthy") set.status = 503;
        const uptime_seconds = Math.floor(health.uptimeMs / 1000);
        const about = { status, ready, draining, version: VERSION, uptime_seconds };
        return json(set.headers, { ...about, failing, checks });
      },
      {
        detail: operation({
          tags: ["operator", "health"],
          operationId: "readHealthChecks",
          summary: "Each check with its figure and threshold",
          responses: {
            200: jsonResponse("Nothing vital is unhealthy.", "HealthDetailed"),
            503: jsonResponse("Something vital is.", "HealthDetailed"),
          },
          operator: true,
        }),
      },
    )
    .get(
      "/health/metrics",
      async ({ set }) =>
        json(set.headers, { ...systemJson(await system.read()), admission: admissionJson(admission()) }),
      {
        detail: operation({
          tags: ["operator", "health"],
          operationId: "readSystemFigures",
          summary: "Figures of process and machine, and how full the server is",
          responses: { 200: jsonResponse("The figures.", "HealthMetrics") },
          operator: true,
        }),
      },
    );
  if (healthHistory === null) return guarded;
  return guarded.get(
    "/health/history",
    ({ request, set }) => {
      const reader = new QueryReader(queryOf(request.url));
      const limit = reader.integer("limit", 1, HISTORY_MOST_REPORTS) ?? HISTORY_REPORTS;
      reader.finish();
      const reports = healthHistory.latest(limit).map(({ createdAt, status, checks }) => ({
        created_at: new Date(createdAt).toISOString(),
        status,
        checks,
      }));
      return json(set.headers, { reports });
    },
    {
      detail: operation({
        tags: ["operator", "health"],
        operationId: "readHealthHistory",
        summary: "The last reports",
        parameters: [HISTORY_LIMIT],
        failures: ["VALIDATION_FAILED"],
        responses: { 200: jsonResponse("Newest first.", "HealthHistory") },
        operator: true,
      }),
    },
  );
}

function systemJson({ process, eventLoopDelay, cpu, memory, disk, uptimeSeconds }: SystemFigures) {
  return {
    process: {
      started_at: process.startedAt.toISOString(),
      uptime_seconds: rounded(process.uptimeSeconds),
      cpu_user_seconds: rounded(process.cpuUserSeconds),
      cpu_system_seconds: rounded(process.cpuSystemSeconds),
      resident_bytes: process.residentBytes,
      heap_bytes: process.heapBytes,
      open_files: process.openFiles,
      open_files_limit: process.openFilesLimit,
      event_loop_delay_mean_ms: rounded(eventLoopDelay.meanMs),
      event_loop_delay_max_ms: rounded(eventLoopDelay.maxMs),
    },
    system: {
      uptime_seconds: Math.floor(uptimeSeconds),
      cores: cpu.cores,
      usable_cores: cpu.usableCores,
      load_average: cpu.loadAverage,
      memory_total_bytes: memory.totalBytes,
      memory_free_bytes: memory.freeBytes,
      memory_limit_bytes: memory.limitBytes,
      disk_total_bytes: disk.totalBytes,
      disk_free_bytes: disk.freeBytes,
    },
  };
}

function admissionJson(figures: AdmissionFigures) {
  const { queueWaitMs } = figures;
  return {
    admitted_requests: figures.admitted,
    held_bytes: figures.heldBytes,
    waiting_images: figures.queued,
    waiting_limit_images: figures.queueLimit,
    wait_limit_ms: queueWaitMs === Number.POSITIVE_INFINITY ? null : rounded(queueWaitMs),
    in_flight_images: figures.inFlight,
    in_flight_limit_images: figures.inFlightLimit,
    in_flight_gradient: rounded(figures.gradient),
    in_flight_baseline_ms: rounded(figures.baselineMs),
  };
}

const rounded = (value: number) => Math.round(value * 1000) / 1000;
