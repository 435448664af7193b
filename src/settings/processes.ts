import type { Setting } from "./setting.ts";

/** The server processes and the supervisor that keeps them running. */
export const PROCESSES_SETTINGS = {
  processes: {
    name: "PINHOLE_PROCESSES",
    type: "integer",
    min: 1,
    max: 64,
    default: 1,
    unit: "processes",
    meaning:
      "Server processes that share the port, so that one that crashes costs only what it had in flight. Workers, queue and cache are those of each.",
  },
  processSilentMs: {
    name: "PINHOLE_PROCESS_SILENT_MS",
    type: "integer",
    min: 400,
    max: 3_600_000,
    default: 30_000,
    unit: "ms",
    meaning:
      "A server process that gives no sign of life for so long, or whose workers get nowhere, is killed and started again.",
  },
  processStartTimeoutMs: {
    name: "PINHOLE_PROCESS_START_TIMEOUT_MS",
    type: "integer",
    min: 1000,
    max: 3_600_000,
    default: 300_000,
    unit: "ms",
    meaning: "A server process that is not ready so long after its start is killed and started again.",
  },
  restartLimit: {
    name: "PINHOLE_RESTART_LIMIT",
    type: "integer",
    min: 0,
    max: 1_000_000,
    default: 5,
    unit: "restarts",
    meaning:
      "Restarts of a server process in a row, with longer and longer waits; when that does not help everything ends with its exit code.",
  },
  restartStableMs: {
    name: "PINHOLE_RESTART_STABLE_MS",
    type: "integer",
    min: 0,
    max: 3_600_000,
    default: 10_000,
    unit: "ms",
    meaning: "A server process that served for so long before it ended starts a new row of restarts.",
  },
} as const satisfies Record<string, Setting>;
