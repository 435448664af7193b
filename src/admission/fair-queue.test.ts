import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { PinholeError } from "../errors.ts";
import type { Work } from "./adaptive-limit.ts";
import { ClientGone, type DropReason } from "./drop.ts";
import { FairQueue, type FairQueueOptions, type Slot, Visit } from "./fair-queue.ts";

const wanted = () => null;

interface Options {
  inFlightMax?: number;
  capacity?: number;
  waitMs?: number;
  weight?: FairQueueOptions["weight"];
  share?: number;
}

function queueOf(options: Options = {}) {
  const { inFlightMax = 1, capacity = 100, waitMs = Number.POSITIVE_INFINITY, weight, share } = options;
  const clock = new ManualClock();
  const limits = { inFlightMax, capacity };
  const works: Work[] = [];
  const queue = new FairQueue({
    inFlightMax: () => limits.inFlightMax,
    capacity: () => limits.capacity,
    waitMs: () => waitMs,
    weight,
    share,
    retryAfterSeconds: () => 3,
    clock,
    onWork: (work) => works.push(work),
  });
  const served: string[] = [];
  const slots: Slot[] = [];
  const failed: Record<string, unknown> = {};
  const enter = (
    client: string | Visit,
    name: string,
    ask: () => DropReason | null = wanted,
    signal?: AbortSignal,
  ) =>
    queue.enter(typeof client === "string" ? new Visit(client) : client, ask, signal).then(
      (slot) => {
        served.push(name);
        slots.push(slot);
      },
      (error) => {
        failed[name] = error;
      },
    );
  /** Gives the held slots back, one after the other, until nobody waits. */
  const serveAll = async () => {
    await settle();
    for (let slot = slots.shift(); slot !== undefined; slot = slots.shift()) {
      slot.release();
      await settle();
    }
  };
  return { clock, limits, works, queue, served, slots, failed, enter, serveAll };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("FairQueue", () => {
  test("grants up to inFlightMax at once, the rest as slots come back", async () => {
    const { queue, served, slots, enter } = queueOf({ inFlightMax: 2 });
    for (const name of ["1", "2", "3"]) void enter("a", name);
    await settle();
    expect(served).toEqual(["1", "2"]);
    expect([queue.inFlight, queue.waiting]).toEqual([2, 1]);
    slots[0]!.release();
    await settle();
    expect(served).toEqual(["1", "2", "3"]);
    expect([queue.inFlight, queue.waiting]).toEqual([2, 0]);
  });

  test("a slot given back twice frees one place, and `using` gives it back", async () => {
    const { queue } = queueOf();
    {
      using slot = await queue.enter(new Visit("a"), wanted);
      expect(queue.inFlight).toBe(1);
      slot.release();
    }
    expect(queue.inFlight).toBe(0);
  });

  test("serves clients in turn, first in first out within each", async () => {
    const { served, enter, serveAll } = queueOf();
    for (const name of ["a1", "a2", "a3", "a4", "b1", "b2", "c1"]) void enter(name[0]!, name);
    await serveAll();
    expect(served).toEqual(["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
  });

  test("a heavier client gets its weight in a row", async () => {
    const { served, enter, serveAll } = queueOf({ weight: (client) => (client === "a" ? 2 : 1) });
    void enter("x", "x1");
    for (const name of ["a1", "a2", "a3", "a4", "b1", "b2", "b3"]) void enter(name[0]!, name);
    await serveAll();
    expect(served).toEqual(["x1", "a1", "a2", "b1", "a3", "a4", "b2", "b3"]);
  });

  test("drops who is no longer wanted when the turn comes, without a slot", async () => {
    const { queue, served, failed, enter, serveAll } = queueOf();
    let reason: DropReason | null = null;
    void enter("a", "first");
    void enter("a", "gone", () => reason);
    void enter("b", "late", () => (reason === null ? null : "deadline"));
    void enter("b", "last");
    reason = "client_gone";
    await serveAll();
    expect(served).toEqual(["first", "last"]);
    expect(failed.gone).toBeInstanceOf(ClientGone);
    expect(failed.late).toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(queue.dropped).toEqual({ client_gone: 1, deadline: 1, overloaded: 0 });
    expect([queue.inFlight, queue.waiting]).toEqual([0, 0]);
  });

  test("when full, the newest waiter of the client that has most gives way", async () => {
    const { queue, served, failed, enter, serveAll } = queueOf({ capacity: 4 });
    void enter("x", "x");
    for (const name of ["a1", "a2", "a3", "b1"]) void enter(name[0]!, name);
    void enter("c", "c1");
    await settle();
    expect(failed.a3).toBeInstanceOf(PinholeError);
    expect(failed.a3).toMatchObject({ code: "OVERLOADED", members: { retry_after_seconds: 3 } });
    expect(queue.waiting).toBe(4);
    await serveAll();
    expect(served).toEqual(["x", "a1", "b1", "c1", "a2"]);
  });

  test("when full and the newcomer's client is among those with most, the newcomer gives way", async () => {
    const { failed, enter } = queueOf({ capacity: 3 });
    void enter("x", "x");
    for (const name of ["a1", "a2", "b1", "b2"]) void enter(name[0]!, name);
    await settle();
    expect(Object.keys(failed)).toEqual(["b2"]);
  });

  test("who must give way and is unwanted anyway is told the true reason", async () => {
    const { queue, failed, enter } = queueOf({ capacity: 1 });
    void enter("x", "x");
    void enter("a", "a1");
    void enter("a", "a2", () => "client_gone");
    await settle();
    expect(failed.a2).toBeInstanceOf(ClientGone);
    expect(queue.dropped).toEqual({ client_gone: 1, deadline: 0, overloaded: 0 });
  });

  test("says who would be turned away, before anything is read", async () => {
    const { queue, enter, limits } = queueOf({ capacity: 3 });
    void enter("x", "x");
    for (const name of ["a1", "a2"]) void enter("a", name);
    expect([queue.isFullFor("a"), queue.isFullFor("b")]).toEqual([false, false]);
    void enter("b", "b1");
    expect([queue.isFullFor("a"), queue.isFullFor("b"), queue.isFullFor("c")]).toEqual([true, true, false]);
    limits.capacity = 4;
    expect(queue.isFullFor("a")).toBe(false);
  });

  test("follows a limit that changes, up at the next coming and going, down as slots come back", async () => {
    const { queue, limits, slots, served, enter } = queueOf({ inFlightMax: 1 });
    for (const name of ["1", "2", "3", "4", "5", "6"]) void enter("a", name);
    await settle();
    limits.inFlightMax = 3;
    slots[0]!.release();
    await settle();
    expect([queue.inFlight, served]).toEqual([3, ["1", "2", "3", "4"]]);
    limits.inFlightMax = 1;
    slots[1]!.release();
    slots[2]!.release();
    await settle();
    expect([queue.inFlight, queue.waiting]).toEqual([1, 2]);
  });

  test("a request is turned away with all its images, and once one has had its turn no more", async () => {
    const { queue, failed, served, slots, enter } = queueOf({ capacity: 4 });
    const begun = new Visit("a");
    for (const name of ["a1", "a2", "a3"]) void enter(begun, name);
    const visit = new Visit("a");
    void enter(visit, "b1");
    void enter(visit, "b2");
    void enter(visit, "b3");
    await settle();
    // More than may wait: it was let in when there was room, and its own images make nobody give way.
    expect([queue.waiting, Object.keys(failed)]).toEqual([5, []]);
    void enter("c", "c1");
    await settle();
    expect(Object.keys(failed).sort()).toEqual(["b1", "b2", "b3"]);
    expect(failed.b1).toMatchObject({ code: "OVERLOADED" });
    expect(queue.dropped.overloaded).toBe(3);
    for (const slot of slots) slot.release();
    await settle();
    expect(served).toEqual(["a1", "a2"]);
  });

  test("where all that the deepest client has in the queue has begun, the newcomer gives way", async () => {
    const { failed, enter } = queueOf({ capacity: 2 });
    const begun = new Visit("a");
    for (const name of ["a1", "a2", "a3"]) void enter(begun, name);
    void enter("b", "b1");
    await settle();
    expect(Object.keys(failed)).toEqual(["b1"]);
  });

  test("who waits too long is turned away, unless its request has begun", async () => {
    const { clock, queue, failed, slots, served, enter } = queueOf({ waitMs: 500 });
    const begun = new Visit("a");
    void enter(begun, "a1");
    void enter(begun, "a2");
    const visit = new Visit("b");
    void enter(visit, "b1");
    clock.advance(100);
    void enter(visit, "b2");
    void enter("c", "c1");
    clock.advance(399);
    expect(failed).toEqual({});
    clock.advance(1);
    await settle();
    expect(Object.keys(failed).sort()).toEqual(["b1", "b2"]);
    expect(failed.b2).toMatchObject({ code: "OVERLOADED", members: { retry_after_seconds: 3 } });
    slots[0]!.release();
    await settle();
    slots[1]!.release();
    await settle();
    expect(served).toEqual(["a1", "a2", "c1"]);
    expect([queue.waiting, clock.pending]).toEqual([0, 0]);
  });

  test("says what an image cost, and how many were in flight", async () => {
    const { clock, queue, works } = queueOf({ inFlightMax: 2 });
    using slot = await queue.enter(new Visit("a"), wanted);
    using _other = await queue.enter(new Visit("b"), wanted);
    clock.advance(30);
    slot.worked({ busyMs: 20, rows: 4 });
    expect(works).toEqual([{ heldMs: 30, busyMs: 20, rows: 4, inFlight: 2 }]);
  });

  test("who is abandoned while waiting is dropped at once, wherever in the queue", async () => {
    const { queue, served, serveAll, enter, failed } = queueOf();
    void enter("a", "a1");
    const controller = new AbortController();
    const abandoned = queue.enter(new Visit("a"), () => "deadline", controller.signal);
    abandoned.catch(() => undefined);
    void enter("a", "a3");
    void enter("b", "b1");
    expect(queue.waiting).toBe(3);
    controller.abort();
    expect(queue.waiting).toBe(2);
    await expect(abandoned).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    await serveAll();
    expect(served).toEqual(["a1", "a3", "b1"]);
    expect(failed).toEqual({});
    expect(queue.dropped.deadline).toBe(1);
  });

  test("abandoned before it enters, it takes no slot; abandoned after its turn, it keeps the slot", async () => {
    const { queue } = queueOf();
    const early = AbortSignal.abort();
    await expect(queue.enter(new Visit("a"), wanted, early)).rejects.toBeInstanceOf(ClientGone);
    expect([queue.inFlight, queue.waiting]).toEqual([0, 0]);
    const controller = new AbortController();
    const slot = await queue.enter(new Visit("a"), wanted, controller.signal);
    controller.abort();
    expect([queue.inFlight, queue.waiting]).toEqual([1, 0]);
    slot.release();
    expect(queue.inFlight).toBe(0);
    expect(queue.dropped).toEqual({ client_gone: 1, deadline: 0, overloaded: 0 });
  });

  test("a long random run serves each waiter once, within bounds, and ends empty", async () => {
    const { queue, served, slots, failed, enter, serveAll } = queueOf({ inFlightMax: 3, capacity: 40 });
    let state = 7;
    const random = (below: number) => {
      state = (state * 48271) % 2147483647;
      return state % below;
    };
    const names: string[] = [];
    const pending: AbortController[] = [];
    for (let i = 0; i < 3000; i++) {
      const name = `${random(5)}:${i}`;
      names.push(name);
      const controller = new AbortController();
      void enter(name[0]!, name, () => (random(20) === 0 ? "client_gone" : null), controller.signal);
      pending.push(controller);
      if (random(10) === 0) pending.splice(random(pending.length), 1)[0]!.abort();
      if (random(3) > 0) {
        slots.shift()?.release();
        await settle();
      }
      expect(queue.inFlight).toBeLessThanOrEqual(3);
      expect(queue.waiting).toBeLessThanOrEqual(40);
    }
    await serveAll();
    expect([...served, ...Object.keys(failed)].sort()).toEqual(names.sort());
    const { client_gone, deadline, overloaded } = queue.dropped;
    expect(client_gone + deadline + overloaded).toBe(Object.keys(failed).length);
    expect(overloaded).toBeGreaterThan(0);
    expect([queue.inFlight, queue.waiting]).toEqual([0, 0]);
    // Within a client nobody overtakes.
    for (const client of "01234") {
      const order = served.filter((name) => name[0] === client).map((name) => Number(name.slice(2)));
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
  });
});

describe("one who asks now and then beside one who always asks", () => {
  const crowd = async ({ enter }: ReturnType<typeof queueOf>, client: string, count: number) => {
    for (let n = 0; n < count; n++) void enter(client, `${client}${n}`);
    await settle();
  };

  test("finds a slot free: the other holds no more than its share while it is about", async () => {
    const queue = queueOf({ inFlightMax: 4, share: 1 });
    await crowd(queue, "light", 1);
    queue.slots.pop()!.release();
    await crowd(queue, "heavy", 9);
    expect(queue.served).toEqual(["light0", "heavy0"]);
    // Its turn comes at once, and does not let the other have more.
    void queue.enter("light", "light1");
    await settle();
    expect(queue.served).toEqual(["light0", "heavy0", "light1"]);
    queue.slots.pop()!.release();
    await settle();
    expect([queue.queue.inFlight, queue.queue.waiting]).toEqual([1, 8]);
    // Gone for a while: everything is the other's.
    queue.clock.advance(1001);
    queue.slots.pop()!.release();
    await settle();
    expect([queue.queue.inFlight, queue.queue.waiting]).toEqual([4, 4]);
  });

  test("two who always ask have everything between them", async () => {
    const queue = queueOf({ inFlightMax: 4, share: 1 });
    await crowd(queue, "a", 5);
    await crowd(queue, "b", 5);
    await queue.serveAll();
    expect(queue.queue.dropped).toEqual({ client_gone: 0, deadline: 0, overloaded: 0 });
    expect(queue.served).toHaveLength(10);
    expect(queue.served.slice(0, 4)).toEqual(["a0", "a1", "a2", "a3"]);
  });

  test("alone, one is not held back by those who left, nor by itself", async () => {
    const queue = queueOf({ inFlightMax: 4, share: 1 });
    await crowd(queue, "heavy", 9);
    expect(queue.queue.inFlight).toBe(4);
  });

  test("who holds its share is passed over, and those behind it are not kept waiting", async () => {
    const queue = queueOf({ inFlightMax: 3, share: 2 });
    await crowd(queue, "light", 1);
    await crowd(queue, "heavy", 4);
    // The light one holds a slot and does not wait.
    expect(queue.served).toEqual(["light0", "heavy0", "heavy1"]);
    queue.slots.shift()!.release();
    await settle();
    expect(queue.queue.inFlight).toBe(2);
    await crowd(queue, "third", 1);
    expect(queue.served.at(-1)).toBe("third0");
  });

  test("who asks steadily for little and is kept waiting once does not count among those who always ask", async () => {
    const { clock, queue } = queueOf({ inFlightMax: 12, share: 1 });
    // Two workers of 100 ms, and what has a slot waits for them in a row, as it does where batches are filled.
    const freeAt = [0, 0];
    const work = async (client: string) => {
      const slot = await queue.enter(new Visit(client), wanted);
      const worker = freeAt.indexOf(Math.min(...freeAt));
      freeAt[worker] = Math.max(clock.now(), freeAt[worker]!) + 100;
      await new Promise<void>((resolve) => clock.after(freeAt[worker]! - clock.now(), resolve));
      slot.worked({ busyMs: 100, rows: 1 });
      slot.release();
    };
    const flood = async () => {
      for (;;) await work("flood");
    };
    for (let connection = 0; connection < 30; connection++) void flood();
    const tookMs: number[] = [];
    const ask = async () => {
      const from = clock.now();
      await work("quiet");
      tookMs.push(clock.now() - from);
    };
    for (let ms = 0; ms < 10_000; ms += 10) {
      if (ms % 200 === 0) void ask();
      await settle();
      clock.advance(10);
    }
    // The first finds the worker's row full.
    expect(tookMs[0]).toBeGreaterThan(500);
    expect(tookMs.length).toBeGreaterThanOrEqual(40);
    expect(Math.max(...tookMs.slice(10))).toBeLessThanOrEqual(200);
  });
});
