import { ConfigError, describeConfig, loadConfig } from "./config.ts";
import { PinholeError } from "./errors.ts";
import { serveOptions } from "./http/app.ts";
import { RepositoryError } from "./model-repository/repository.ts";
import { createServices, type Services } from "./services.ts";
import { stopServer } from "./stop.ts";
import type { Logger } from "./telemetry/log.ts";

/** The process: settings, services, listen, signals, drain, exit. */
async function main(): Promise<void> {
  const config = loadConfig();
  console.error(`Pinhole starts with\n${describeConfig(config)}`);
  const services = await createServices(config);
  const app = services.app.listen({ port: config.port, hostname: config.host, ...serveOptions(config) });
  const server = app.server!;
  services.log.info(
    { url: String(server.url), models: services.repository.models.map(({ key }) => key) },
    "listening",
  );
  stopOnSignals(services, server);
}

function stopOnSignals(services: Services, server: Bun.Server<unknown>): void {
  let stopping = false;
  const stop = async (reason: string) => {
    // Somebody who asks twice does not want to wait.
    if (stopping) process.exit(130);
    stopping = true;
    services.log.info({ reason }, "stopping");
    const clean = await stopServer(services, server);
    await written(services.log);
    process.exit(clean && reason !== "worker pool lost" ? 0 : 1);
  };
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
  services.onLost(() => void stop("worker pool lost"));
}

/** The log is written behind, too: what is in it must not be lost with the process. */
const written = (log: Logger) => new Promise<void>((resolve) => log.flush(() => resolve()));

main().catch((error: unknown) => {
  console.error(startFailure(error));
  process.exit(1);
});

/** What the operator must mend is told without a stack. */
function startFailure(error: unknown): unknown {
  if (error instanceof ConfigError || error instanceof RepositoryError) return error.message;
  return error instanceof PinholeError ? `${error.detail}\n${error.cause ?? ""}` : error;
}
