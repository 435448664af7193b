import { cpus, freemem, loadavg, totalmem } from "node:os";
import { json } from "./json.ts";
import { jsonResponse, type OpenApi, operation } from "./openapi/operation.ts";
import { operatorGuard } from "./operator-guard.ts";
import { routes } from "./routes.ts";
import type { HttpServices } from "./services.ts";
import { VERSION } from "./version.ts";

const HISTORY_REPORTS = 100;

/** For orchestrators and balancers; never limited, and the open ones say nothing that helps an attacker. */
export function healthRoutes(services: HttpServices) {
  const { health, state } = services;
  const uptime = () => Math.floor(health.uptimeMs / 1000);

  return routes()
    .get(
      "/health",
      ({ set }) =>
        json(set.headers, {
          status: state.draining ? "draining" : "ok",
          version: VERSION,
          uptime_seconds: uptime(),
        }),
      { detail: open("readHealth", "Whether the server is there", jsonResponse("It is.", "Health")) },
    )
    .get("/health/live", ({ set }) => json(set.headers, { status: "ok" }), {
      detail: open(
        "readLiveness",
        "Whether the process answers; depends on nothing",
        jsonResponse("It does.", "Live"),
      ),
    })
    .get(
      "/health/ready",
      async ({ set }) => {
        const { ready, status } = await health.readiness();
        if (!ready) set.status = 503;
        return json(set.headers, { status, ready });
      },
      {
        detail: open(
          "readReadiness",
          "Whether to send requests here",
          jsonResponse("A warm worker stands ready; `degraded` where something else is in trouble.", "Ready"),
          jsonResponse("Draining, or no warm worker for the default model.", "Ready"),
        ),
      },
    )
    .use(healthReports(services));
}

/** What the checks found, for operators. */
function healthReports(services: HttpServices) {
  const { health, healthHistory } = services;
  const guarded = routes()
    .onBeforeHandle(operatorGuard(services))
    .get(
      "/health/detailed",
      async ({ set }) => {
        const { status, ready, draining, checks } = await health.report();
        if (status === "unhealthy") set.status = 503;
        const uptime_seconds = Math.floor(health.uptimeMs / 1000);
        return json(set.headers, { status, ready, draining, version: VERSION, uptime_seconds, checks });
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
    .get("/health/metrics", ({ set }) => json(set.headers, systemFigures()), {
      detail: operation({
        tags: ["operator", "health"],
        operationId: "readSystemFigures",
        summary: "Figures of process and machine",
        responses: { 200: jsonResponse("The figures.", "HealthMetrics") },
        operator: true,
      }),
    });
  if (healthHistory === null) return guarded;
  return guarded.get(
    "/health/history",
    ({ set }) =>
      json(set.headers, {
        reports: healthHistory.latest(HISTORY_REPORTS).map(({ createdAt, status, checks }) => ({
          created_at: new Date(createdAt).toISOString(),
          status,
          checks,
        })),
      }),
    {
      detail: operation({
        tags: ["operator", "health"],
        operationId: "readHealthHistory",
        summary: `The last ${HISTORY_REPORTS} reports`,
        responses: { 200: jsonResponse("Newest first.", "HealthHistory") },
        operator: true,
      }),
    },
  );
}

function systemFigures() {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    process: {
      uptime_seconds: Math.round(process.uptime() * 1000) / 1000,
      cpu_seconds: (user + system) / 1e6,
      resident_bytes: rss,
      heap_bytes: heapUsed,
    },
    system: {
      cores: cpus().length,
      load_average: loadavg(),
      memory_total_bytes: totalmem(),
      memory_free_bytes: freemem(),
    },
  };
}

function open(operationId: string, summary: string, ok: OpenApi, notReady?: OpenApi) {
  const responses: Record<number, OpenApi> =
    notReady === undefined ? { 200: ok } : { 200: ok, 503: notReady };
  return operation({ operationId, tags: ["health"], summary, responses, anyHost: true });
}
