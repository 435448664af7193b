import { EXIT } from "./exit-codes.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** How long the end waits for those outside of the machine who are told of it. */
const FAREWELL_MS = 2000;

/**
 * What nobody caught leaves the process in a state that nobody knows: it is told, to the log and to Sentry, and
 * the process ends with 1 for its supervisor to start another.
 */
export function endOnCrash({ logs, close }: Pick<Telemetry, "logs" | "close">): void {
  let crashing = false;
  const crash = async (err: unknown) => {
    if (crashing) return;
    crashing = true;
    // Not by the log alone: that may be off, or the very thing that failed.
    console.error("Pinhole crashes:", err);
    logs.server.error({ err }, "the process crashes");
    await close(FAREWELL_MS);
    process.exit(EXIT.failed);
  };
  process.on("uncaughtException", (error) => void crash(error));
  process.on("unhandledRejection", (reason) => void crash(reason));
}
