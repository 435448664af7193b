import { describe, expect, test } from "bun:test";
import { Lanes } from "./lanes.ts";
import type { Linked } from "./linked-list.ts";

interface Waiter extends Linked<Waiter> {
  name: string;
}

function lanesOf(names: string[], weight: (clientKey: string) => number = () => 1) {
  const lanes = new Lanes<Waiter>(weight);
  const waiters = new Map<string, Waiter>();
  for (const name of names) {
    const waiter: Waiter = { name, previous: null, next: null };
    waiters.set(name, waiter);
    lanes.append(lanes.of(name[0]!), waiter);
  }
  const remove = (name: string) => lanes.remove(lanes.of(name[0]!), waiters.get(name)!);
  /** Each in its turn, until nobody waits. */
  const serveAll = () => {
    const served: string[] = [];
    for (let lane = lanes.next; lane !== null; lane = lanes.next) {
      served.push(lane.waiters.first!.name);
      lanes.remove(lane, lane.waiters.first!);
      lanes.tookTurn(lane);
    }
    return served;
  };
  return { lanes, remove, serveAll };
}

describe("Lanes", () => {
  test("clients take turns, by their weight; each is served in the order of coming", () => {
    expect(lanesOf(["a1", "a2", "a3", "b1", "b2"]).serveAll()).toEqual(["a1", "b1", "a2", "b2", "a3"]);
    const weight = (client: string) => (client === "a" ? 2 : 1);
    expect(lanesOf(["a1", "a2", "a3", "b1", "b2"], weight).serveAll()).toEqual([
      "a1",
      "a2",
      "b1",
      "a3",
      "b2",
    ]);
  });

  test("knows how many wait, of whom most, and prefers the one that is asked for among equals", () => {
    const { lanes, remove } = lanesOf(["a1", "b1", "b2", "c1", "c2"]);
    expect([lanes.length, lanes.deepest, lanes.depthOf("a"), lanes.depthOf("x")]).toEqual([5, 2, 1, 0]);
    expect(lanes.most(lanes.of("c")).clientKey).toBe("c");
    expect(lanes.most(lanes.of("a")).clientKey).toBe("b");
    remove("b1");
    expect(lanes.most(lanes.of("a")).clientKey).toBe("c");
    remove("c2");
    expect([lanes.length, lanes.deepest]).toEqual([3, 1]);
    for (const name of ["a1", "b2", "c1"]) remove(name);
    expect([lanes.length, lanes.deepest, lanes.next]).toEqual([0, 0, null]);
  });
});
