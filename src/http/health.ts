import { healthReportRoutes } from "./health-reports.ts";
import { json } from "./json.ts";
import { jsonResponse, type OpenApi, operation } from "./openapi/operation.ts";
import { routes } from "./routes.ts";
import type { HttpServices } from "./services.ts";
import { VERSION } from "./version.ts";

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
    .use(healthReportRoutes(services));
}

function open(operationId: string, summary: string, ok: OpenApi, notReady?: OpenApi) {
  const responses: Record<number, OpenApi> =
    notReady === undefined ? { 200: ok } : { 200: ok, 503: notReady };
  return operation({ operationId, tags: ["health"], summary, responses, anyHost: true });
}
