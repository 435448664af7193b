import { fileURLToPath } from "node:url";
import { clientLimits, SWEEP_INTERVAL_MS } from "../admission/client-limits.ts";
import { every, systemClock } from "../clock.ts";
import { ConfigError, loadConfig, readServiceManager } from "../config.ts";
import { EXIT } from "../exit-codes.ts";
import { findingsText } from "../preflight/finding.ts";
import { checkPort } from "../preflight/port.ts";
import type { Config } from "../settings.ts";
import type { Logs } from "../telemetry/log.ts";
import { openLogs } from "../telemetry/open-logs.ts";
import { Supervisor } from "./supervisor.ts";
import { Systemd } from "./systemd.ts";

const SERVER = fileURLToPath(new URL("../index.ts", import.meta.url));
/** What a server process takes at most to end beyond its drain: flushing, threads, the last reports. */
const FAREWELL_MS = 8000;
const REAP_INTERVAL_MS = 2000;
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2"] as const;

/**
 * The process that `bun start` starts: keeps server processes running and does nothing else. Everything that could
 * make it fail is left to them.
 */
async function main(): Promise<number> {
  // From the first moment: process 1 of a container has no other way to hear of them.
  const early: NodeJS.Signals[] = [];
  let pass = (name: NodeJS.Signals): void => void early.push(name);
  for (const name of SIGNALS) process.on(name, () => pass(name));
  // Timers of the clock keep no process alive.
  const alive = setInterval(() => undefined, 2 ** 30);

  const config = loadConfig();
  const logs = openLogs(config, {
    clock: systemClock,
    writer: "supervisor",
    onTrouble: (error) => console.error(`the log cannot be written: ${error}`),
  });
  const manager = readServiceManager();
  const systemd =
    manager === null
      ? null
      : new Systemd({
          manager,
          clock: systemClock,
          onTrouble: (err) => logs.server.error({ err }, "systemd could not be told"),
        });
  // The address stays what it is: only server processes have the secret that hides it.
  const rateLimit = clientLimits(config, { clock: systemClock, hashClient: (clientKey) => clientKey });
  every(systemClock, SWEEP_INTERVAL_MS, () => rateLimit.sweep());
  const supervisor = new Supervisor({
    ...config,
    rateLimit,
    command: [process.execPath, "--no-env-file", SERVER],
    silentMs: config.processSilentMs,
    startTimeoutMs: config.processStartTimeoutMs,
    stopTimeoutMs: stopTimeoutMs(config),
    clock: systemClock,
    random: Math.random,
    log: logs.server,
    onReady: (models) => systemd?.ready(`serving ${models.join(", ")}`),
    onStopping: () => systemd?.stopping(),
  });
  if (process.pid === 1) await reapOrphans(logs);
  // Processes that share a port would share it with a stranger as well, and neither would notice.
  if (config.processes > 1 && !(await isPortFree(config))) return EXIT.failed;
  const ended = supervisor.run();
  // A terminal that is closed takes along what was started in it.
  const hangUp = process.stdout.isTTY || process.stderr.isTTY ? "SIGTERM" : "SIGHUP";
  pass = (name) => supervisor.signal(name === "SIGHUP" ? hangUp : name);
  early.forEach(pass);
  const code = await ended;
  await systemd?.close();
  await logs.close();
  clearInterval(alive);
  return code;
}

/** Where that is not possible, zombies stay: no reason not to serve. */
async function reapOrphans(logs: Logs): Promise<void> {
  try {
    const { Reaper } = await import("./reaper.ts");
    const reaper = new Reaper();
    every(systemClock, REAP_INTERVAL_MS, () => reaper.reap());
  } catch (err) {
    logs.server.warn({ err }, "inherited processes cannot be waited for");
  }
}

async function isPortFree({ host, port }: Config): Promise<boolean> {
  const bad = (await checkPort(host, port)).filter(({ verdict }) => verdict !== "ok");
  if (bad.length > 0) console.error(findingsText(bad));
  return bad.length === 0;
}

function stopTimeoutMs({ drainDelayMs, drainTimeoutMs }: Config): number {
  return drainDelayMs + drainTimeoutMs + FAREWELL_MS;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const isMistake = error instanceof ConfigError;
    console.error(isMistake ? error.message : error);
    process.exit(isMistake ? EXIT.misconfigured : EXIT.failed);
  },
);
