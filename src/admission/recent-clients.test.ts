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

test("who was given much less than the mean is light, however much it wants, and asks for much again later", () => {
  const { clock, clients, come } = setUp();
  come("flood", 9);
  come("quiet", 5);
  clients.change("flood", { held: 1, spentMs: 300 });
  expect(clients.mayTake("flood")).toBe(true);
  clients.change("quiet", { held: 1, spentMs: 100 });
  // Nobody but the light one is light: it is not held back.
  expect([clients.mayTake("flood"), clients.mayTake("quiet")]).toEqual([false, true]);
  clients.change("quiet", { spentMs: 200 });
  expect([clients.mayTake("flood"), clients.mayTake("quiet")]).toEqual([true, true]);
  // What was spent long ago counts for nothing.
  clock.advance(20_000);
  clients.change("flood", { spentMs: 10 });
  clients.change("quiet", { spentMs: 1 });
  expect(clients.mayTake("flood")).toBe(false);
});

test("two that are held back by each other are not: who was given less than the mean wants its share", () => {
  const { clients, come } = setUp();
  for (const client of ["a", "b"]) {
    come(client, 9);
    clients.change(client, { held: 1 });
  }
  for (let round = 0; round < 100; round++) {
    clients.change("a", { spentMs: 10 });
    clients.change("b", { spentMs: 9 });
    expect([clients.mayTake("a"), clients.mayTake("b")]).toEqual([true, true]);
  }
});

test("what was spent on a client that is forgotten weighs on nobody", () => {
  const { clock, clients, come } = setUp();
  come("gone", 1);
  clients.change("gone", { wants: -1, spentMs: 60_000 });
  clock.advance(1001);
  for (const client of ["a", "b"]) {
    expect(clients.mayTake(client)).toBe(true);
    come(client, 9);
    clients.change(client, { held: 1, spentMs: 10 });
  }
  expect([clients.mayTake("a"), clients.mayTake("b")]).toEqual([true, true]);
});
