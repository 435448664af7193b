import { Elysia } from "elysia";
import { allowedMethods } from "./allowed-methods.ts";
import { clientKeyRule } from "./client-key.ts";
import { corsRule } from "./cors.ts";
import { errorAnswer } from "./error-answer.ts";
import { healthRoutes } from "./health.ts";
import { hostCheck } from "./host.ts";
import { httpsAddress } from "./https-redirect.ts";
import { logLevelRoutes } from "./log-level.ts";
import { modelRoutes } from "./models.ts";
import { operatorRoutes } from "./operator.ts";
import { predictRoutes } from "./predict/index.ts";
import { predictionRoutes } from "./predictions.ts";
import { RequestContext } from "./request-context.ts";
import { bodyBytes, requestLog } from "./request-log.ts";
import { writeSecurityHeaders } from "./security-headers.ts";
import type { HttpServices } from "./services.ts";
import { swaggerRoutes } from "./swagger.ts";
import { endTrace } from "./trace.ts";
import { schemeRule, trustedProxyRule } from "./trusted-proxies.ts";

export { serveOptions } from "./serve-options.ts";

/** The whole HTTP surface. Nothing listens yet. @throws ConfigError for wrong proxies or origins */
export function createApp(services: HttpServices) {
  const { clock, config, metrics, newId, state, tracing } = services;
  const clientKeyOf = clientKeyRule(config.trustedProxies);
  const checkHost = hostCheck(config.hostsAllowed);
  const logRequest = requestLog(services);
  const schemeOf = schemeRule(trustedProxyRule(config.trustedProxies));
  const cors = corsRule(config.corsOrigins);
  let methodsOf = allowedMethods([]);
  const answerError = errorAnswer(services, (path) => methodsOf(path), cors);

  // By default Elysia takes hosts shorter than four characters for part of the path: "http://api/health".
  const app = new Elysia({ handler: { standardHostname: false } })
    .decorate("context", undefined as unknown as RequestContext)
    // Before any route: registered after one, it would not be asked about that route's errors.
    .onError(({ error, path, request, route, set, context }) =>
      // What Elysia's types leave open: errors before routing have no `context` in them, but it is there.
      answerError({ error, path, request, route, set, context: context as RequestContext }),
    )
    .onRequest((c) => {
      const { request, server, set, path } = c as typeof c & { path: string };
      const trace = tracing?.start(request.headers) ?? null;
      c.context = new RequestContext({ request, server, startedAt: clock.now(), newId, clientKeyOf, trace });
      if (trace !== null) set.headers.traceresponse = trace.response;
      const scheme = schemeOf(request, c.context.peer);
      writeSecurityHeaders(
        set.headers,
        config.hsts === "always" || (config.hsts === "auto" && scheme === "https"),
      );
      cors.write(request, set.headers);
      set.headers["x-request-id"] = c.context.requestId;
      // Whoever keeps the connection would find nobody there in a moment.
      if (state.draining) set.headers.connection = "close";
      checkHost(request, path);
      if (!config.httpsRedirect || scheme !== "http") return;
      const address = httpsAddress(request, path);
      if (address === null) return;
      set.status = 308;
      set.headers.location = address;
      return "";
    })
    .onAfterResponse(({ context, request, route = "unmatched", set, response }) => {
      const status = typeof set.status === "number" ? set.status : 200;
      const durationMs = clock.now() - context.startedAt;
      const ended = { context, method: request.method, route, status, durationMs };
      metrics.request(route, request.method, status, durationMs);
      if (context.outcome !== null) metrics.error(context.outcome);
      logRequest({ ...ended, sentBytes: bodyBytes(request.method, response, context) });
      endTrace(ended);
    })
    .use(predictRoutes(services))
    .use(modelRoutes(services))
    .use(predictionRoutes(services))
    .use(operatorRoutes(services))
    .use(logLevelRoutes(services))
    .use(healthRoutes(services))
    .use(swaggerRoutes());
  methodsOf = allowedMethods(app.routes);
  return app;
}
