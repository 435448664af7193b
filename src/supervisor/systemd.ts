import { type Clock, every } from "../clock.ts";
import type { ServiceManager } from "../config.ts";

export interface SystemdOptions {
  manager: ServiceManager;
  clock: Clock;
  /** Told of the first message in a row that could not be sent. */
  onTrouble: (error: Error) => void;
  /** The program that sends: systemd's own, which is wherever systemd is. */
  program?: string;
}

/**
 * Tells systemd how the service is (Type=notify): ready, alive, stopping. The signs of life are the
 * supervisor's own; whether the server processes live, it sees to itself.
 *
 * Messages are datagrams to a unix socket, which neither Bun nor Node can send; `systemd-notify` does, a few ms of
 * another process twice in each watchdog interval. The unit needs `NotifyAccess=all` for it.
 * Source: sd_notify(3), sd_watchdog_enabled(3).
 */
export class Systemd {
  readonly #options: SystemdOptions;
  #sent: Promise<void> = Promise.resolve();
  #endBeat: () => void = () => undefined;
  #isSilent = false;

  constructor(options: SystemdOptions) {
    this.#options = options;
  }

  /** Models are warm and the port is open. From now on systemd waits for signs of life. */
  ready(status: string): void {
    this.#send("READY=1", `STATUS=${status}`);
    const { manager, clock } = this.#options;
    if (manager.watchdogMs !== null)
      this.#endBeat = every(clock, manager.watchdogMs / 2, () => this.#send("WATCHDOG=1"));
  }

  /** The drain has begun. Signs of life go on until the process ends. */
  stopping(): void {
    this.#send("STOPPING=1", "STATUS=draining");
  }

  /** Resolves when all that was said has been sent. */
  async close(): Promise<void> {
    this.#endBeat();
    await this.#sent;
  }

  /** One after the other, so that they arrive in order. */
  #send(...lines: string[]): void {
    this.#sent = this.#sent
      .then(() => this.#deliver(lines))
      .then(
        () => {
          this.#isSilent = false;
        },
        (error: Error) => {
          if (!this.#isSilent) this.#options.onTrouble(error);
          this.#isSilent = true;
        },
      );
  }

  async #deliver(lines: string[]): Promise<void> {
    const { manager, program = "systemd-notify" } = this.#options;
    const notify = Bun.spawn([program, ...lines], {
      env: { NOTIFY_SOCKET: manager.socket, PATH: "/usr/bin:/bin" },
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const complaint = await notify.stderr.text();
    const code = await notify.exited;
    if (code !== 0) throw new Error(`${program} ended with code ${code}: ${complaint.trim()}`);
  }
}
