import { expect, test } from "bun:test";
import { backupsToKeep } from "./retention.ts";

const at = (month: number, day: number, hour = 2) => Date.UTC(2026, month - 1, day, hour);
const kept = (instants: number[], daily: number, weekly: number, monthly: number) =>
  [...backupsToKeep(instants, { daily, weekly, monthly })]
    .sort((a, b) => b - a)
    .map((instant) => new Date(instant).toISOString().slice(5, 13));

test("a year of nights: the last days, the ends of the last weeks and of the last months", () => {
  const nights = Array.from({ length: 325 }, (_, n) => at(1, 1) + n * 86_400_000);
  // 21 November 2026 is a Saturday; weeks end on Sundays.
  expect(kept(nights, 3, 4, 3)).toEqual([
    "11-21T02",
    "11-20T02",
    "11-19T02",
    "11-15T02",
    "11-08T02",
    "11-01T02",
    "10-31T02",
    "09-30T02",
  ]);
});

test("of one day the newest is kept", () => {
  expect(kept([at(11, 20, 2), at(11, 20, 14), at(11, 21, 2)], 2, 0, 0)).toEqual(["11-21T02", "11-20T14"]);
});

test("a week begins on Monday, in UTC", () => {
  const sunday = Date.UTC(2026, 10, 15, 23, 59);
  const monday = Date.UTC(2026, 10, 16, 0, 0);
  expect(kept([sunday, monday], 0, 2, 0)).toHaveLength(2);
  expect(kept([at(11, 16), at(11, 22)], 0, 2, 0)).toEqual(["11-22T02"]);
});

test("days without a backup do not count", () => {
  expect(kept([at(3, 1), at(5, 1), at(11, 21)], 3, 0, 0)).toHaveLength(3);
});

test("the newest is kept whatever the numbers say", () => {
  expect(kept([at(11, 20), at(11, 21)], 0, 0, 0)).toEqual(["11-21T02"]);
  expect(kept([], 7, 4, 6)).toEqual([]);
});
