import { expect, test } from "bun:test";
import { ActiveClients } from "./active-clients.ts";

const NOON = Date.UTC(2026, 0, 10, 12);
const DAY_MS = 86_400_000;
const hash = (client: number) => Bun.SHA256.hash(`client ${client}`, "hex").slice(0, 32);

test("each client counts once, few of them exactly", () => {
  const clients = new ActiveClients();
  expect(clients.count(NOON)).toEqual({ today: 0, yesterday: 0 });
  for (let round = 0; round < 3; round++)
    for (let client = 0; client < 25; client++) clients.add(hash(client), NOON + round);
  expect(clients.count(NOON)).toEqual({ today: 25, yesterday: 0 });
});

test.each([2_000, 40_000, 300_000])("%d clients within 2%", (many) => {
  const clients = new ActiveClients();
  for (let client = 0; client < many; client++) clients.add(hash(client), NOON);
  expect(Math.abs(clients.count(NOON).today / many - 1)).toBeLessThan(0.02);
});

test("a day ends at midnight UTC, seen or unseen", () => {
  const clients = new ActiveClients();
  clients.add(hash(1), NOON);
  clients.add(hash(2), NOON + 11.99 * 3_600_000);
  expect(clients.count(NOON + DAY_MS)).toEqual({ today: 0, yesterday: 2 });
  clients.add(hash(1), NOON + DAY_MS);
  expect(clients.count(NOON + DAY_MS)).toEqual({ today: 1, yesterday: 2 });
  clients.add(hash(3), NOON + 3 * DAY_MS);
  expect(clients.count(NOON + 3 * DAY_MS)).toEqual({ today: 1, yesterday: 0 });
});

test("rows of before a restart are counted for their own day, older ones for none", () => {
  const clients = new ActiveClients();
  clients.count(NOON);
  clients.add(hash(1), NOON - DAY_MS);
  clients.add(hash(2), NOON - 2 * DAY_MS);
  expect(clients.count(NOON)).toEqual({ today: 0, yesterday: 1 });
});
