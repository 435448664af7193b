/** For a thread to give up its core; the kernel knows no shorter wait for a timer. */
const PAUSE_MS = 1;

/**
 * CPU time of the calling thread so far, in ms, to some 0.05: what it has worked, however often others had its core
 * meanwhile. The kernel counts up at its tick, every 4 ms or so, and whenever the thread gives up its core
 * (getrusage(2)), so that is what it does first.
 */
export async function threadCpuMs(): Promise<number> {
  await Bun.sleep(PAUSE_MS);
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
