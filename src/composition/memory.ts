import { every } from "../clock.ts";
import { MemoryGuard } from "../health/memory-guard.ts";
import { memoryLimitBytes } from "../memory-limit.ts";
import { PreflightError } from "../preflight/preflight.ts";
import type { MemoryStage } from "../telemetry/memory-stages.ts";
import type { Shared } from "./shared.ts";

const LOOK_EVERY_MS = 250;
const MINUTE_MS = 60_000;

/** What the process holds, told at stages, and what is done when it is too much. */
export function composeMemory({ config, clock, log, metrics, undo }: Shared) {
  // Each process has its part of what all of them may use.
  const limitBytes = Math.floor(memoryLimitBytes() / config.processes);
  const limits = {
    softBytes: Math.floor(config.memorySoftShare * limitBytes),
    hardBytes: Math.floor(config.memoryHardShare * limitBytes),
  };
  const residentBytes = () => process.memoryUsage.rss();
  let relieve: () => void = () => undefined;
  let exhausted = false;
  let onExhausted: () => void = () => undefined;
  const told = (resident_bytes: number) => ({ resident_bytes, limit_bytes: limitBytes });
  const guard = new MemoryGuard({
    ...limits,
    residentBytes,
    clock,
    relieve: () => relieve(),
    onShed: (bytes) => log.warn({ ...told(bytes), ...limits }, "memory is short: new work is refused"),
    onRelief: (bytes) => log.info(told(bytes), "memory is no longer short"),
    onExhausted: (bytes) => {
      log.error({ ...told(bytes), ...limits }, "memory is exhausted: the process must be replaced");
      exhausted = true;
      onExhausted();
    },
  });
  const stage = (name: MemoryStage): number => {
    const bytes = residentBytes();
    metrics.residentMemory(name, bytes);
    log.info({ stage: name, ...told(bytes) }, "resident memory");
    return bytes;
  };
  return {
    limitBytes,
    limits,
    stage,
    shedding: () => guard.shedding,
    /**
     * Every model is warm: from now on it is watched.
     * @param options.relieve gives back what can be given back
     * @throws PreflightError when it holds so much that new work would never be taken
     */
    watch(options: { relieve: () => void }): void {
      const bytes = stage("warm");
      if (bytes >= guard.resumeBytes) throw new PreflightError(tooLittle(bytes, guard.resumeBytes));
      relieve = options.relieve;
      undo.push(every(clock, LOOK_EVERY_MS, () => guard.look()));
      undo.push(every(clock, MINUTE_MS, () => void stage("minute")));
    },
    /** Told once when the process must be replaced. */
    onExhausted(listener: () => void) {
      onExhausted = listener;
      if (exhausted) listener();
    },
  };
}

const tooLittle = (bytes: number, resumeBytes: number) =>
  `With every model loaded and before any request the process holds ${bytes} bytes; new work is refused from ` +
  `${Math.floor(resumeBytes)} on. Give it more memory, set PINHOLE_WORKER_COUNT lower, or PINHOLE_MEMORY_SOFT_SHARE higher.`;
