/** What can happen to a worker, and how loudly it is told. Metrics count by these names. */
export const WORKER_EVENTS = {
  /** Its thread ended although nobody had asked it to. */
  worker_lost: "error",
  /** One batch took too long: it is in quarantine, and gets no other. */
  worker_wedged: "error",
  /** The batch of a wedged one came to an end after all: it was asked to leave. */
  worker_returned: "warn",
  /** Another took the place of a lost or wedged one. */
  worker_replaced: "info",
  worker_replacement_failed: "error",
  /** Another took the place of one that had run its batches; the old one was asked to leave. */
  worker_recycled: "info",
  /** The old one goes on. */
  worker_recycling_failed: "error",
  /** Replacements fail, or too many threads are wedged: only a new process helps. */
  pool_lost: "error",
} as const satisfies Record<string, "info" | "warn" | "error">;

export type WorkerEventName = keyof typeof WORKER_EVENTS;

/** Private news for the log. */
export interface WorkerEvent {
  event: WorkerEventName;
  /** Its number in the pool, from 0 on; the one that takes its place has the same. */
  worker: number;
  cause?: string;
}
