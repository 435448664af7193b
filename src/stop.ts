import type { Services } from "./services.ts";

/**
 * How long a connection that was accepted at the last moment has to bring its request, and in how many waits: after
 * each the process looks for what has come, so that one that was held up itself refuses nothing that lies there.
 */
const LAST_MS = 250;
const LAST_LOOKS = 10;

/** What is left to stop of a listening server. */
interface Listening {
  /** Accepts no more; resolves when every request has been answered. */
  stop(): Promise<void>;
}

/**
 * Not ready, but serving while the balancer notices; then nothing new; then what is in flight, for as long as
 * `PINHOLE_DRAIN_TIMEOUT_MS`; then everything is flushed and closed.
 * @param drainDelayMs how long the balancer is given to notice
 * @returns whether everything in flight was answered in time
 */
export async function stopServer(
  services: Services,
  server: Listening,
  drainDelayMs: number = services.config.drainDelayMs,
): Promise<boolean> {
  const { config, clock, log, admission, memory, state } = services;
  const wait = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  state.draining = true;
  memory.stage("drain");
  if (drainDelayMs > 0) await wait(drainDelayMs);
  const startedAt = clock.now();
  const answeredAll = server.stop();
  for (let look = 0; look < LAST_LOOKS; look++) await wait(LAST_MS / LAST_LOOKS);
  admission.close();
  const left = () => Math.max(0, config.drainTimeoutMs - (clock.now() - startedAt));
  const within = async (work: Promise<unknown>) =>
    Promise.race([work.then(() => true), wait(left()).then(() => false)]);
  const answered = await within(Promise.all([admission.idle(), answeredAll]));
  if (!answered) log.warn({ admitted: admission.admitted }, "requests in flight were not answered in time");
  // Records first: a thread that is stuck must not cost them.
  await services.flush();
  const closed = await within(services.close());
  log.info({ answered, closed }, "stopped");
  return answered && closed;
}
