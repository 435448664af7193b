import { LOG_LEVELS, type LogLevel } from "../telemetry/log.ts";
import { json } from "./json.ts";
import { readJson } from "./json-body.ts";
import { jsonResponse, operation } from "./openapi/operation.ts";
import { operatorGuard } from "./operator-guard.ts";
import { invalidParameters } from "./query.ts";
import { routes } from "./routes.ts";
import type { HttpServices } from "./services.ts";

const ADDRESS = "/api/v1/admin/log-level";

/** How much is logged, read and changed while the server runs; a restart goes back to the settings. */
export function logLevelRoutes(services: HttpServices) {
  const { logs, tellOthers } = services;
  const levelJson = () => ({ level: logs.level, configured: logs.configuredLevel, levels: LOG_LEVELS });

  return routes()
    .onBeforeHandle(operatorGuard(services))
    .get(ADDRESS, ({ set }) => json(set.headers, levelJson()), { detail: READ })
    .put(
      ADDRESS,
      async ({ request, set }) => {
        const level = levelOf(await readJson(request));
        logs.server.info({ from: logs.level, to: level }, "log level changes");
        logs.level = level;
        tellOthers({ kind: "log_level", level });
        return json(set.headers, levelJson());
      },
      { parse: "none", detail: CHANGE },
    );
}

/** @throws PinholeError VALIDATION_FAILED */
function levelOf(body: unknown): LogLevel {
  const fields = typeof body === "object" && body !== null && !Array.isArray(body) ? body : null;
  const mistakes = Object.keys(fields ?? {})
    .filter((name) => name !== "level")
    .map((path) => ({ path: path.slice(0, 100), expected: "nothing but level", received: "a member" }));
  const level = fields !== null && "level" in fields ? fields.level : undefined;
  const isLevel = (LOG_LEVELS as readonly unknown[]).includes(level);
  if (!isLevel) {
    const received = level === undefined ? "nothing" : JSON.stringify(level).slice(0, 100);
    mistakes.unshift({ path: "level", expected: LOG_LEVELS.join(", "), received });
  }
  if (mistakes.length > 0) throw invalidParameters(mistakes);
  return level as LogLevel;
}

const about = { tags: ["operator"], operator: true };
const READ = operation({
  ...about,
  operationId: "readLogLevel",
  summary: "How much is logged",
  responses: { 200: jsonResponse("The level now, and the one of the settings.", "LogLevel") },
});
const CHANGE = operation({
  ...about,
  operationId: "changeLogLevel",
  summary: "Change how much is logged, until the next change or restart",
  requestBody: {
    required: true,
    content: {
      "application/json": {
        schema: {
          type: "object",
          properties: { level: { enum: LOG_LEVELS } },
          required: ["level"],
          additionalProperties: false,
        },
        example: { level: "debug" },
      },
    },
  },
  responses: { 200: jsonResponse("The level from now on.", "LogLevel") },
  failures: ["INVALID_REQUEST", "FILE_TOO_LARGE", "VALIDATION_FAILED"],
});
