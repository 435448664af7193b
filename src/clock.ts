/** Time and ids as something that can be handed in: tests bring their own, so no test waits for the wall. */
export interface Clock {
  /** Monotonic instant in ms, with fractions. Only differences mean anything; deadlines are instants of it. */
  now(): number;
  /** Wall-clock time, ms since the epoch (UTC), whole. For records and headers, never for durations. */
  wall(): number;
  /** Runs `task` once after `delayMs`; the returned function cancels it. Never keeps the process alive. */
  after(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** 128 random bits as 32 hexadecimal characters: prediction ids, which nobody must be able to guess. */
export type NewId = () => string;

export const randomId: NewId = () => crypto.getRandomValues(new Uint8Array(16)).toHex();

/** Runs `task` every `intervalMs`, the first time after one; the returned function ends it. */
export function every(clock: Clock, intervalMs: number, task: () => void): () => void {
  let cancel = clock.after(intervalMs, function again() {
    cancel = clock.after(intervalMs, again);
    task();
  });
  return () => cancel();
}
