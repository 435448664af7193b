import { describe, expect, test } from "bun:test";
import pino from "pino";
import { SlidingWindowRateLimit } from "../admission/sliding-window.ts";
import { systemClock } from "../clock.ts";
import { Supervisor, type SupervisorOptions } from "./supervisor.ts";

const ERROR = 50;
const FIXTURE = new URL("server.fixture.ts", import.meta.url).pathname;

/** What was logged, and the ends of runs that were not wanted, as `code reason`. */
interface Supervised {
  supervisor: Supervisor;
  code: Promise<number>;
  ends: string[];
  /** The same of those that went as they were told. */
  left: string[];
  messages: string[];
  ready: Promise<void>;
}

/** @param runs what each process does in its first run, its second and so on; later ones serve */
function supervise(runs: string, options: Partial<SupervisorOptions> = {}): Supervised {
  const ends: string[] = [];
  const left: string[] = [];
  const messages: string[] = [];
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const log = pino(
    {},
    {
      write(line: string) {
        const { level, msg, code, reason, served_ms } = JSON.parse(line);
        messages.push(msg);
        if (served_ms !== undefined) (level === ERROR ? ends : left).push(`${code} ${reason}`);
      },
    },
  );
  const supervisor = new Supervisor({
    processes: 1,
    command: [process.execPath, "--no-env-file", FIXTURE, `runs=${runs}`],
    silentMs: 30_000,
    startTimeoutMs: 30_000,
    restartLimit: 3,
    restartStableMs: 10_000,
    stopTimeoutMs: 20_000,
    rateLimit: new SlidingWindowRateLimit({
      enabled: true,
      policies: [],
      clientsMax: 1,
      clock: systemClock,
      hashClient: String,
    }),
    clock: systemClock,
    random: () => 0,
    log,
    onReady: () => resolve(),
    onStopping: () => undefined,
    ...options,
  });
  // The clock's timers do not keep the tests running.
  const alive = setInterval(() => undefined, 1000);
  const code = supervisor.run().finally(() => clearInterval(alive));
  return { supervisor, code, ends, left, messages, ready };
}

describe("Supervisor", () => {
  test.each([
    ["a crash", "exit-1", "1 exited"],
    ["a signal", "abort", "134 killed"],
    ["an end with 0 that nobody asked for", "serve-exit-0", "0 exited"],
    ["what must be mended, once it has served", "serve-exit-1,exit-78", "78 exited"],
  ])("%s: it is started again", async (_, runs, last) => {
    const { supervisor, code, ends, ready } = supervise(runs);
    await ready;
    while (ends.length < runs.split(",").length) await Bun.sleep(5);
    supervisor.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(ends.at(-1)).toBe(last);
  });

  test("what must be mended before it has ever served: ends at once, with its code", async () => {
    const { code, ends } = supervise("exit-78", { processes: 2 });
    expect(await code).toBe(78);
    expect(ends).toEqual(["78 exited"]);
  });

  test.each([
    ["its code", "exit-7", 7],
    ["1 where that was 0", "exit-0", 1],
  ])("a loop of crashes ends with %s", async (_, run, expected) => {
    const { code, ends, messages } = supervise(Array(9).fill(run).join());
    expect(await code).toBe(expected);
    expect(ends).toHaveLength(4);
    expect(messages.at(-1)).toBe("server process ends again and again: giving up");
  });

  test("when one of several cannot be kept running, the others are stopped", async () => {
    // Each process does the same, so each of them gives up; the first to do it takes the others along.
    const { code, ends } = supervise(Array(9).fill("serve-exit-9").join(), { processes: 3 });
    expect(await code).toBe(9);
    expect(ends.length).toBeLessThanOrEqual(12);
  });

  test.each([
    ["gets nowhere", "silent"],
    ["hangs", "hang"],
  ])("one that %s is killed and started again", async (_, run) => {
    const { supervisor, code, ends } = supervise(run, { silentMs: 1200 });
    while (ends.length < 1) await Bun.sleep(5);
    expect(ends).toEqual(["137 silent"]);
    // And the one that answers stays.
    await Bun.sleep(2000);
    supervisor.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(ends).toHaveLength(1);
  });

  test("one that does not become ready is killed and started again", async () => {
    const { supervisor, code, ends, ready } = supervise("unready", { startTimeoutMs: 700 });
    await ready;
    supervisor.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(ends).toEqual(["137 start_timeout"]);
  });

  test("SIGHUP replaces each of several, one after the other", async () => {
    const { supervisor, code, ends, left, messages, ready } = supervise("serve-0", { processes: 2 });
    await ready;
    messages.length = 0;
    supervisor.signal("SIGHUP");
    while (left.length < 2) await Bun.sleep(5);
    expect([left, ends]).toEqual([["0 exited", "0 exited"], []]);
    expect(messages).toEqual([
      "server processes are replaced",
      "server process ready",
      "server process ended",
      "server process ready",
      "server process ended",
    ]);
    supervisor.signal("SIGTERM");
    expect(await code).toBe(0);
  });

  test("SIGHUP replaces none where a fresh one does not start", async () => {
    const { supervisor, code, ends, messages, ready } = supervise("serve,exit-1", { processes: 2 });
    await ready;
    supervisor.signal("SIGHUP");
    const told = "a fresh server process did not start: the others stay";
    while (!messages.includes(told)) await Bun.sleep(5);
    expect(ends).toEqual(["1 exited"]);
    supervisor.signal("SIGTERM");
    expect(await code).toBe(0);
    expect(messages).not.toContain("server process is started again");
  });

  test("SIGHUP does nothing to the only one, which would leave a gap", async () => {
    const { supervisor, code, ends, left, ready } = supervise("serve");
    await ready;
    supervisor.signal("SIGHUP");
    await Bun.sleep(200);
    expect([left, ends]).toEqual([[], []]);
    supervisor.signal("SIGTERM");
    expect(await code).toBe(0);
  });

  test("SIGTERM is passed on, and the code of the worst kept", async () => {
    const { supervisor, code, ready } = supervise("serve-3", { processes: 2 });
    await ready;
    supervisor.signal("SIGTERM");
    expect(await code).toBe(3);
  });

  test("one that does not stop is killed after its time", async () => {
    const { supervisor, code, ready } = supervise("stubborn", { stopTimeoutMs: 300 });
    await ready;
    supervisor.signal("SIGTERM");
    expect(await code).toBe(137);
  });

  test("told twice, it waits for nobody", async () => {
    const { supervisor, code, ready } = supervise("stubborn", { stopTimeoutMs: 600_000 });
    await ready;
    supervisor.signal("SIGTERM");
    supervisor.signal("SIGTERM");
    expect(await code).toBe(137);
  });

  test("told to stop while one starts, or waits for its restart: ends with 0", async () => {
    const starting = supervise("unready");
    starting.supervisor.signal("SIGTERM");
    expect(await starting.code).toBe(0);

    const waiting = supervise("exit-1,exit-1,exit-1,exit-1", { restartLimit: 9, random: () => 1 });
    while (waiting.ends.length < 3) await Bun.sleep(5);
    waiting.supervisor.signal("SIGTERM");
    expect(await waiting.code).toBe(0);
  });
});
