import { describe, expect, test } from "bun:test";
import { PinholeError } from "../errors.ts";
import { ClientGone, type DropReason } from "./drop.ts";
import { FairQueue, type FairQueueOptions, type Slot } from "./fair-queue.ts";

const wanted = () => null;

function queueOf(options: Partial<FairQueueOptions> = {}) {
  const queue = new FairQueue({ inFlightMax: 1, capacity: 100, retryAfterSeconds: () => 3, ...options });
  const served: string[] = [];
  const slots: Slot[] = [];
  const failed: Record<string, unknown> = {};
  const enter = (client: string, name: string, ask: () => DropReason | null = wanted, signal?: AbortSignal) =>
    queue.enter(client, ask, signal).then(
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
  return { queue, served, slots, failed, enter, serveAll };
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
      using slot = await queue.enter("a", wanted);
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

  test("who is abandoned while waiting is dropped at once, wherever in the queue", async () => {
    const { queue, served, serveAll, enter, failed } = queueOf();
    void enter("a", "a1");
    const controller = new AbortController();
    const abandoned = queue.enter("a", () => "deadline", controller.signal);
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
    await expect(queue.enter("a", wanted, early)).rejects.toBeInstanceOf(ClientGone);
    expect([queue.inFlight, queue.waiting]).toEqual([0, 0]);
    const controller = new AbortController();
    const slot = await queue.enter("a", wanted, controller.signal);
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
