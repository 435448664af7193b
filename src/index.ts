import { systemClock } from "./clock.ts";
import { ConfigError, describeConfig, loadConfig, readSupervisor } from "./config.ts";
import { endOnCrash } from "./crash.ts";
import { PinholeError } from "./errors.ts";
import { Systemd } from "./health/systemd.ts";
import { serveOptions } from "./http/app.ts";
import { RepositoryError } from "./model-repository/repository.ts";
import { PreflightError, preflightAtStart } from "./preflight/preflight.ts";
import { createServices, type Services } from "./services.ts";
import { stopServer } from "./stop.ts";

/** How long the end waits for those outside of the machine who are told of errors and traces. */
const FAREWELL_MS = 2000;

/** The process: settings, services, listen, signals, drain, exit. */
async function main(): Promise<void> {
  const config = loadConfig();
  console.error(`Pinhole starts with\n${describeConfig(config)}`);
  if (config.environment === "production") {
    const toLookAt = await preflightAtStart(config, { clock: systemClock, directory: process.cwd() });
    if (toLookAt !== "") console.error(toLookAt);
  }
  const services = await createServices(config);
  endOnCrash(services.telemetry);
  const app = services.app.listen({ port: config.port, hostname: config.host, ...serveOptions(config) });
  const server = app.server!;
  services.log.info(
    { url: String(server.url), models: services.repository.models.map(({ key }) => key) },
    "listening",
  );
  const systemd = tellSystemd(services);
  stopOnSignals(services, server, systemd);
  changeLogLevelOnSignal(services);
}

/** Null where systemd did not start this process or does not ask. */
function tellSystemd({ clock, isWorking, log, repository }: Services): Systemd | null {
  const supervisor = readSupervisor();
  if (supervisor === null) return null;
  const onTrouble = (err: Error) => log.error({ err }, "systemd could not be told");
  const systemd = new Systemd({ supervisor, clock, isWorking, onTrouble });
  systemd.ready(`serving ${repository.models.map(({ key }) => key).join(", ")}`);
  return systemd;
}

function stopOnSignals(services: Services, server: Bun.Server<unknown>, systemd: Systemd | null): void {
  let stopping = false;
  const stop = async (reason: string) => {
    // Somebody who asks twice does not want to wait.
    if (stopping) {
      services.telemetry.logs.flushSync();
      process.exit(130);
    }
    stopping = true;
    systemd?.stopping();
    services.log.info({ reason }, "stopping");
    const clean = await stopServer(services, server);
    await systemd?.close();
    await services.telemetry.close(FAREWELL_MS);
    process.exit(clean && reason !== "worker pool lost" ? 0 : 1);
  };
  process.on("SIGTERM", () => void stop("SIGTERM"));
  process.on("SIGINT", () => void stop("SIGINT"));
  services.onLost(() => {
    if (!stopping) void stop("worker pool lost");
  });
}

/** SIGUSR2: to debug, and at the next one back to the level of the settings. */
function changeLogLevelOnSignal({ telemetry: { logs } }: Services): void {
  process.on("SIGUSR2", () => {
    logs.toggleDebug();
    logs.server.info({ level: logs.level }, "log level changed");
  });
}

main().catch((error: unknown) => {
  console.error(startFailure(error));
  process.exit(1);
});

/** What the operator must mend is told without a stack. */
function startFailure(error: unknown): unknown {
  if ([ConfigError, RepositoryError, PreflightError].some((kind) => error instanceof kind))
    return (error as Error).message;
  return error instanceof PinholeError ? `${error.detail}\n${error.cause ?? ""}` : error;
}
