import { systemClock } from "./clock.ts";
import { ConfigError, describeConfig, loadConfig } from "./config.ts";
import { endOnCrash } from "./crash.ts";
import { PinholeError } from "./errors.ts";
import { EXIT } from "./exit-codes.ts";
import { serveOptions } from "./http/app.ts";
import { RepositoryError } from "./model-repository/repository.ts";
import { descriptorsAtStart, PreflightError, preflightAtStart } from "./preflight/preflight.ts";
import { createServices, type Services } from "./services.ts";
import type { Config } from "./settings.ts";
import { stopServer } from "./stop.ts";
import { SupervisorLink } from "./supervisor/supervisor-link.ts";

/** How long the end waits for those outside of the machine who are told of errors and traces. */
const FAREWELL_MS = 2000;

/** A server process: settings, services, listen, signals, drain, exit. `src/supervisor/` keeps it running. */
async function main(): Promise<void> {
  const link = SupervisorLink.open(systemClock);
  const config = loadConfig();
  // What holds for all of them is said and looked at once.
  if (link === null || (link.identity.process === 1 && link.identity.restarts === 0))
    await lookBefore(config);
  const services = await createServices(config, { link });
  endOnCrash(services.telemetry);
  const reusePort = link !== null && config.processes > 1;
  const { port, host: hostname } = config;
  const server = services.app.listen({ port, hostname, reusePort, ...serveOptions(config) }).server!;
  const models = services.repository.models.map(({ key }) => key);
  services.log.info({ url: String(server.url), models }, "listening");
  stopWhenTold(services, server, link);
  changeLogLevelOnSignal(services);
  link?.ready(models, services.linked);
}

async function lookBefore(config: Config): Promise<void> {
  console.error(`Pinhole starts with\n${describeConfig(config)}`);
  console.error(descriptorsAtStart(config));
  if (config.environment !== "production") return;
  const toLookAt = await preflightAtStart(config, { clock: systemClock, directory: process.cwd() });
  if (toLookAt !== "") console.error(toLookAt);
}

function stopWhenTold(services: Services, server: Bun.Server<unknown>, link: SupervisorLink | null): void {
  let stopping = false;
  const stop = async (reason: string, endsWell: boolean, drainDelayMs?: number) => {
    stopping = true;
    services.log.info({ reason }, "stopping");
    const clean = await stopServer(services, server, drainDelayMs);
    if (services.config.processes > 1) await link?.leave();
    await services.telemetry.close(FAREWELL_MS);
    process.exit(clean && endsWell ? EXIT.stopped : EXIT.failed);
  };
  const stopOnSignal = (signal: NodeJS.Signals) => {
    if (!stopping) return void stop(signal, true);
    // Somebody who asks twice does not want to wait.
    services.telemetry.logs.flushSync();
    process.exit(EXIT.interrupted);
  };
  process.on("SIGTERM", () => stopOnSignal("SIGTERM"));
  process.on("SIGINT", () => stopOnSignal("SIGINT"));
  services.onLost(() => {
    if (!stopping) void stop("worker pool lost", false);
  });
  services.memory.onExhausted(() => {
    if (!stopping) void stop("memory exhausted", false);
  });
  // The next supervisor wants the port at once.
  link?.onGone(() => {
    if (!stopping) void stop("supervisor gone", false, 0);
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
  process.exit(isToBeMended(error) ? EXIT.misconfigured : EXIT.failed);
});

const isToBeMended = (error: unknown): error is Error =>
  [ConfigError, RepositoryError, PreflightError].some((kind) => error instanceof kind);

/** What the operator must mend is told without a stack. */
function startFailure(error: unknown): unknown {
  if (isToBeMended(error)) return error.message;
  return error instanceof PinholeError ? `${error.detail}\n${error.cause ?? ""}` : error;
}
