import { Elysia } from "elysia";
import { allowedMethods } from "./allowed-methods.ts";
import { clientKeyRule } from "./client-key.ts";
import { errorAnswer } from "./error-answer.ts";
import { healthRoutes } from "./health.ts";
import { hostCheck } from "./host.ts";
import { modelRoutes } from "./models.ts";
import { operatorRoutes } from "./operator.ts";
import { predictRoutes } from "./predict/index.ts";
import { predictionRoutes } from "./predictions.ts";
import { RequestContext } from "./request-context.ts";
import type { HttpServices } from "./services.ts";
import { swaggerRoutes } from "./swagger.ts";

export { serveOptions } from "./serve-options.ts";

/** The whole HTTP surface. Nothing listens yet. @throws ConfigError for trusted proxies that are no addresses */
export function createApp(services: HttpServices) {
  const { clock, config, metrics, newId, state } = services;
  const clientKeyOf = clientKeyRule(config.trustedProxies);
  const checkHost = hostCheck(config.hostsAllowed);
  let methodsOf = allowedMethods([]);
  const answerError = errorAnswer(services, (path) => methodsOf(path));

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
      c.context = new RequestContext({ request, server, startedAt: clock.now(), newId, clientKeyOf });
      set.headers["x-request-id"] = c.context.requestId;
      set.headers["x-content-type-options"] = "nosniff";
      // Whoever keeps the connection would find nobody there in a moment.
      if (state.draining) set.headers.connection = "close";
      checkHost(request, path);
    })
    .onAfterResponse(({ context, request, route, set }) => {
      const status = typeof set.status === "number" ? set.status : 200;
      metrics.request(route ?? "unmatched", request.method, status, clock.now() - context.startedAt);
      if (context.outcome !== null) metrics.error(context.outcome);
    })
    .use(predictRoutes(services))
    .use(modelRoutes(services))
    .use(predictionRoutes(services))
    .use(operatorRoutes(services))
    .use(healthRoutes(services))
    .use(swaggerRoutes());
  methodsOf = allowedMethods(app.routes);
  return app;
}
