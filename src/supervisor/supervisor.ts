import type { RateLimit } from "../admission/rate-limit.ts";
import type { Clock } from "../clock.ts";
import { EXIT } from "../exit-codes.ts";
import type { Logger } from "../telemetry/log.ts";
import type { ProcessFigures } from "./messages.ts";
import { RestartPolicy } from "./restart-policy.ts";
import type { EndReason, Run, RunEnd, RunOptions } from "./run.ts";
import { ServerProcess } from "./server-process.ts";
import { Switchboard } from "./switchboard.ts";

/** Told twice to stop, a process has this long to go by itself. */
const AT_ONCE_MS = 1000;

export interface SupervisorOptions
  extends Pick<RunOptions, "command" | "silentMs" | "startTimeoutMs" | "stopTimeoutMs"> {
  processes: number;
  restartLimit: number;
  restartStableMs: number;
  /** The limits of all processes together; it names clients by their keys. */
  rateLimit: RateLimit;
  clock: Clock;
  /** Uniform in [0, 1). */
  random: () => number;
  log: Logger;
  /** Told once, when every process is ready for the first time. */
  onReady(models: readonly string[]): void;
  onStopping(): void;
}

/**
 * Keeps `processes` server processes running: starts them, starts those again that end, and ends with the code of
 * the one that cannot be kept running. The first is started alone, so that what is wrong with settings or models is
 * said once, and what is made at the first start of all is made by one.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #processes: ServerProcess[];
  readonly #switchboard: Switchboard;
  readonly #policies = new Map<ServerProcess, RestartPolicy>();
  readonly #cancelStarts = new Map<ServerProcess, () => void>();
  readonly #restarts: Record<EndReason, number> = { exited: 0, killed: 0, silent: 0, start_timeout: 0 };
  readonly #ended = Promise.withResolvers<number>();
  readonly #everReady = new Set<number>();
  /** Set when it stops: the worst that was heard so far. */
  #exitCode: number | null = null;
  #isReplacing = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { restartLimit: limit, restartStableMs: stableMs, random } = options;
    this.#switchboard = new Switchboard({
      ...options,
      ready: () => this.#runs().filter(({ isReady }) => isReady),
      figures: () => this.#figures(),
    });
    this.#processes = Array.from({ length: options.processes }, (_, index) => {
      const process = new ServerProcess({
        ...options,
        process: index + 1,
        onReady: (run, models) => this.#ready(run, models),
        onMessage: (run, message) => this.#switchboard.hear(run, message),
        onEnd: (run, end) => this.#end(run, end),
        onVacant: (vacant, end) => this.#startAgain(vacant, end),
      });
      this.#policies.set(process, new RestartPolicy({ limit, stableMs, random }));
      return process;
    });
  }

  /** Starts; resolves with the exit code when all have ended. */
  run(): Promise<number> {
    this.#processes[0]!.start();
    return this.#ended.promise;
  }

  /** SIGTERM and SIGINT stop, the second time at once; SIGHUP replaces; others are passed on to those that serve. */
  signal(name: NodeJS.Signals): void {
    switch (name) {
      case "SIGTERM":
      case "SIGINT":
        this.#options.log.info({ reason: name }, this.#exitCode === null ? "stopping" : "stopping at once");
        if (this.#exitCode === null) this.#stop(EXIT.stopped, name);
        else this.#stopAtOnce(name);
        break;
      case "SIGHUP":
        void this.#replaceAll();
        break;
      default:
        for (const run of this.#runs()) if (run.isReady) run.signal(name);
    }
  }

  #ready({ identity, pid }: Run, models: readonly string[]): void {
    const { processes, onReady, log } = this.#options;
    const isFirst = this.#everReady.size === 0;
    const isNew = !this.#everReady.has(identity.process);
    this.#everReady.add(identity.process);
    log.info({ server_process: identity.process, pid }, "server process ready");
    if (this.#exitCode !== null) return;
    if (isFirst) for (const other of this.#processes.slice(1)) this.#start(other);
    if (isNew && this.#everReady.size === processes) onReady(models);
  }

  #end(run: Run, { code, signal, reason, wasReady, wasTold, servedMs }: RunEnd): void {
    this.#switchboard.ended(run);
    const told = { server_process: run.identity.process, pid: run.pid, code, signal, reason };
    const level = wasTold && code === EXIT.stopped ? "info" : "error";
    this.#options.log[level]({ ...told, served_ms: Math.round(servedMs) }, "server process ended");
    if (this.#exitCode === null) return;
    // One that never served anybody was told to go, and went.
    const wentAsTold = wasTold && !wasReady && (signal === "SIGTERM" || signal === "SIGINT");
    this.#exitCode = Math.max(this.#exitCode, wentAsTold ? EXIT.stopped : code);
    this.#finishIfAlone();
  }

  /** Or gives up, and ends everything. */
  #startAgain(
    process: ServerProcess,
    { code, reason, servedMs }: Pick<RunEnd, "code" | "reason" | "servedMs">,
  ): void {
    if (this.#exitCode !== null) return;
    const { log, clock } = this.#options;
    const told = { server_process: process.process, code };
    if (code === EXIT.misconfigured && this.#everReady.size === 0) {
      log.error(told, "server process cannot start: something must be mended first");
      this.#stop(code, "SIGTERM");
      return;
    }
    const delay = this.#policies.get(process)!.next(servedMs);
    if (delay === null) {
      log.error(told, "server process ends again and again: giving up");
      this.#stop(code === EXIT.stopped ? EXIT.failed : code, "SIGTERM");
      return;
    }
    log.warn({ ...told, wait_ms: Math.round(delay) }, "server process is started again");
    const start = () => {
      this.#cancelStarts.delete(process);
      this.#restarts[reason]++;
      this.#start(process);
    };
    this.#cancelStarts.set(process, clock.after(delay, start));
  }

  /** A machine that is out of memory or processes may not let another one begin. */
  #start(process: ServerProcess): void {
    try {
      process.start();
    } catch (err) {
      this.#options.log.error({ err, server_process: process.process }, "server process cannot be started");
      this.#startAgain(process, { code: EXIT.failed, reason: "exited", servedMs: 0 });
    }
  }

  /** One after the other. Alone a process has the port to itself, so there is nothing to do without a gap. */
  async #replaceAll(): Promise<void> {
    const { log, processes } = this.#options;
    if (this.#isReplacing || processes === 1) {
      log.warn(
        processes === 1 ? "one server process cannot be replaced while it serves" : "replacing already",
      );
      return;
    }
    this.#isReplacing = true;
    log.info("server processes are replaced");
    for (const process of this.#processes) {
      if (this.#exitCode !== null || process.state !== "ready") continue;
      if (await process.replace().catch(() => false)) continue;
      log.error({ server_process: process.process }, "a fresh server process did not start: the others stay");
      break;
    }
    this.#isReplacing = false;
  }

  #stop(code: number, signal: "SIGTERM" | "SIGINT"): void {
    this.#exitCode = code;
    this.#options.onStopping();
    for (const cancel of this.#cancelStarts.values()) cancel();
    for (const run of this.#runs()) run.stop(signal);
    this.#finishIfAlone();
  }

  #stopAtOnce(signal: NodeJS.Signals): void {
    for (const run of this.#runs()) run.signal(signal);
    this.#options.clock.after(AT_ONCE_MS, () => {
      for (const run of this.#runs()) run.signal("SIGKILL");
    });
  }

  #finishIfAlone(): void {
    if (this.#runs().length === 0) this.#ended.resolve(this.#exitCode!);
  }

  #runs(): Run[] {
    return this.#processes.flatMap(({ runs }) => runs);
  }

  #figures(): ProcessFigures {
    const states = { ready: 0, starting: 0, ended: 0 };
    for (const { state } of this.#processes) states[state]++;
    return { states, restarts: { ...this.#restarts }, residentBytes: process.memoryUsage.rss() };
  }
}
