import { expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { RecentClients } from "./recent-clients.ts";

function setUp() {
  const clock = new ManualClock();
  const clients = new RecentClients({ clock, forgetMs: 1000, share: 1 });
  const come = (key: string, count: number) => {
    for (let n = 0; n < count; n++) clients.change(key, { wants: 1 });
  };
  return { clock, clients, come };
}

test("who holds its share may have more only while nobody is about who wants no more than that", () => {
  const { clock, clients, come } = setUp();
  come("heavy", 3);
  expect(clients.mayTake("heavy")).toBe(true);
  clients.change("heavy", { held: 1 });
  expect(clients.mayTake("heavy")).toBe(true);
  come("light", 1);
  expect([clients.mayTake("heavy"), clients.mayTake("light")]).toEqual([false, true]);
  clients.change("light", { held: 1 });
  clients.change("light", { held: -1, wants: -1 });
  expect(clients.mayTake("heavy")).toBe(false);
  clock.advance(1000);
  expect(clients.mayTake("heavy")).toBe(false);
  clock.advance(1);
  expect(clients.mayTake("heavy")).toBe(true);
});

test("who still wants something is not forgotten, however long it takes", () => {
  const { clock, clients, come } = setUp();
  come("heavy", 3);
  clients.change("heavy", { held: 1 });
  come("light", 1);
  for (let round = 0; round < 3; round++) {
    clock.advance(5000);
    expect(clients.mayTake("heavy")).toBe(false);
  }
});

test("two who want more than their share do not hold each other back", () => {
  const { clients, come } = setUp();
  come("a", 2);
  come("b", 2);
  clients.change("a", { held: 1 });
  expect([clients.mayTake("a"), clients.mayTake("b")]).toEqual([true, true]);
});
