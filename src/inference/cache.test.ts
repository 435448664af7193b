import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { ClientGone } from "../admission/drop.ts";
import { LruStore } from "./answer-store.ts";
import { AnswerCache } from "./cache.ts";

/** A signal that knows how many listeners it holds. */
class CountingController extends AbortController {
  listeners = 0;

  constructor() {
    super();
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      this.listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      this.listeners--;
      remove(...args);
    };
  }
}

/** Runs that the test ends when it likes. */
class Runs {
  readonly started: {
    wanted: () => boolean;
    abandoned: AbortSignal;
    resolve: (value: string) => void;
    reject: (error: unknown) => void;
  }[] = [];

  readonly run = (wanted: () => boolean, abandoned: AbortSignal): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.started.push({ wanted, abandoned, resolve, reject });
    return promise;
  };
}

function setUp(enabled = true) {
  const clock = new ManualClock();
  const store = new LruStore<string>({
    maxBytes: 10_000,
    ttlMs: 60_000,
    sizeOf: (value) => value.length,
    clock,
  });
  const cache = new AnswerCache({ enabled, store, clock });
  const runs = new Runs();
  const controllers: CountingController[] = [];
  const share = (options: { key?: string; timeoutMs?: number; controller?: CountingController } = {}) => {
    const controller = options.controller ?? new CountingController();
    controllers.push(controller);
    const waiter = { signal: controller.signal, deadline: clock.now() + (options.timeoutMs ?? 10_000) };
    const answer = cache.share(options.key ?? "k", "m/1", runs.run, waiter);
    answer.catch(() => undefined);
    return { answer, controller };
  };
  /** Neither listeners nor timers are left. */
  const expectClean = () => {
    expect(controllers.map(({ listeners }) => listeners)).toEqual(controllers.map(() => 0));
    expect(clock.pending).toBe(0);
    expect(cache.inFlight).toBe(0);
  };
  return { clock, cache, runs, share, expectClean };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("AnswerCache", () => {
  test("the second equal request is answered from the first's answer", async () => {
    const { cache, runs, share, expectClean } = setUp();
    const first = share();
    await settle();
    runs.started[0]!.resolve("answer");
    expect(await first.answer).toEqual({ value: "answer", cached: false });
    expect(await share().answer).toEqual({ value: "answer", cached: true });
    expect(runs.started.length).toBe(1);
    expect(cache.statistics()).toMatchObject({ hits: 1, misses: 1, shared: 0, entries: 1, evictions: 0 });
    expectClean();
  });

  test("equal requests in flight share one run, others do not", async () => {
    const { cache, runs, share, expectClean } = setUp();
    const answers = [share().answer, share().answer, share({ key: "other" }).answer];
    await settle();
    expect(runs.started.length).toBe(2);
    runs.started[0]!.resolve("one");
    runs.started[1]!.resolve("two");
    expect((await Promise.all(answers)).map(({ value }) => value)).toEqual(["one", "one", "two"]);
    expect((await Promise.all(answers)).some(({ cached }) => cached)).toBe(false);
    expect(cache.statistics()).toMatchObject({ hits: 0, misses: 2, shared: 1 });
    expectClean();
  });

  test("who leaves ends only the own wait, also the one who started the run", async () => {
    const { runs, share, expectClean } = setUp();
    const first = share();
    const second = share();
    await settle();
    first.controller.abort();
    await expect(first.answer).rejects.toBeInstanceOf(ClientGone);
    expect(runs.started[0]!.wanted()).toBe(true);
    runs.started[0]!.resolve("answer");
    expect((await second.answer).value).toBe("answer");
    expect(runs.started[0]!.abandoned.aborted).toBe(false);
    expectClean();
  });

  test("a deadline ends only the own wait", async () => {
    const { clock, runs, share, expectClean } = setUp();
    const hasty = share({ timeoutMs: 100 });
    const patient = share({ timeoutMs: 200 });
    await settle();
    clock.advance(100);
    await expect(hasty.answer).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(runs.started[0]!.wanted()).toBe(true);
    runs.started[0]!.resolve("answer");
    expect((await patient.answer).value).toBe("answer");
    expectClean();
  });

  test("a run that all have left is unwanted for good, and a later request starts another", async () => {
    const { cache, runs, share, expectClean } = setUp();
    const first = share();
    await settle();
    first.controller.abort();
    expect(runs.started[0]!.wanted()).toBe(false);
    expect(runs.started[0]!.abandoned.aborted).toBe(true);
    const second = share();
    await settle();
    expect(runs.started.length).toBe(2);
    expect(runs.started.map(({ wanted }) => wanted())).toEqual([false, true]);
    // The end of the abandoned run neither ends nor hides the new one.
    runs.started[0]!.reject(new Error("dropped"));
    await settle();
    const third = share();
    await settle();
    expect(runs.started.length).toBe(2);
    runs.started[1]!.resolve("answer");
    expect((await second.answer).value).toBe("answer");
    expect((await third.answer).value).toBe("answer");
    expect(cache.statistics()).toMatchObject({ misses: 2, shared: 1 });
    expectClean();
  });

  test("an abandoned run that succeeds all the same is kept", async () => {
    const { runs, share } = setUp();
    const first = share();
    await settle();
    first.controller.abort();
    runs.started[0]!.resolve("answer");
    await settle();
    expect(await share().answer).toEqual({ value: "answer", cached: true });
  });

  test("a failed run fails all who wait and is not kept", async () => {
    const { runs, share, expectClean } = setUp();
    const both = [share().answer, share().answer];
    await settle();
    const failure = new Error("broken");
    runs.started[0]!.reject(failure);
    for (const answer of both) await expect(answer).rejects.toBe(failure);
    expectClean();
    const next = share();
    await settle();
    runs.started[1]!.resolve("answer");
    expect(await next.answer).toEqual({ value: "answer", cached: false });
    expectClean();
  });

  test("a run that throws at once fails its waiter and leaves nothing behind", async () => {
    const { cache, clock } = setUp();
    const controller = new CountingController();
    const broken = () => {
      throw new Error("broken");
    };
    const answer = cache.share("k", "m/1", broken, { signal: controller.signal, deadline: 100 });
    await expect(answer).rejects.toThrow("broken");
    expect([controller.listeners, clock.pending, cache.inFlight]).toEqual([0, 0, 0]);
  });

  test("who has gone, or is late, before a run was needed starts none", async () => {
    const { runs, share, expectClean } = setUp();
    const controller = new CountingController();
    controller.abort();
    await expect(share({ controller }).answer).rejects.toBeInstanceOf(ClientGone);
    await expect(share({ timeoutMs: 0 }).answer).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(runs.started.length).toBe(0);
    expectClean();
  });

  test("invalidating a model forgets its kept answers and those being computed, which still answer", async () => {
    const { cache, runs, share, expectClean } = setUp();
    const kept = share({ key: "kept" });
    await settle();
    runs.started[0]!.resolve("old");
    await kept.answer;
    const before = share({ key: "running" });
    await settle();
    await cache.invalidate("m/2");
    expect(cache.statistics().entries).toBe(1);
    await cache.invalidate("m/1");
    expect(cache.statistics().entries).toBe(0);

    const after = share({ key: "running" });
    await settle();
    expect(runs.started.length).toBe(3);
    runs.started[1]!.resolve("old");
    expect((await before.answer).value).toBe("old");
    expect(cache.statistics().entries).toBe(0);
    runs.started[2]!.resolve("new");
    expect((await after.answer).value).toBe("new");
    expect(await share({ key: "running" }).answer).toEqual({ value: "new", cached: true });
    expectClean();
  });

  test("clear forgets everything, answers being computed included", async () => {
    const { cache, runs, share } = setUp();
    const running = share();
    await settle();
    await cache.clear();
    runs.started[0]!.resolve("old");
    expect((await running.answer).value).toBe("old");
    expect(cache.statistics().entries).toBe(0);
  });

  test("switched off, each request runs by itself and nothing is kept; waits end as otherwise", async () => {
    const { cache, runs, share, expectClean } = setUp(false);
    const first = share();
    const second = share();
    const gone = share();
    await settle();
    expect(runs.started.length).toBe(3);
    gone.controller.abort();
    await expect(gone.answer).rejects.toBeInstanceOf(ClientGone);
    expect(runs.started.map(({ wanted }) => wanted())).toEqual([true, true, false]);
    runs.started[0]!.resolve("one");
    runs.started[1]!.resolve("two");
    expect([(await first.answer).value, (await second.answer).value]).toEqual(["one", "two"]);
    expect(cache.statistics()).toMatchObject({ hits: 0, misses: 3, shared: 0, entries: 0 });
    expectClean();
  });
});
