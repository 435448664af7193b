import { expect, test } from "bun:test";
import { Random } from "../system/random.ts";
import { FAULTS, plan } from "./plan.ts";

const first = (count: number, seed: number) => {
  const faults = plan(new Random(seed));
  return Array.from({ length: count }, () => faults.next().value);
};

test("the same seed gives the same faults, another seed others", () => {
  expect(first(30, 1)).toEqual(first(30, 1));
  expect(first(30, 1)).not.toEqual(first(30, 2));
});

test("every round has every fault once", () => {
  const faults = first(3 * FAULTS.length, 3).map(({ fault }) => fault);
  for (let round = 0; round < 3; round++) {
    const begin = round * FAULTS.length;
    expect(faults.slice(begin, begin + FAULTS.length).sort()).toEqual([...FAULTS].sort());
  }
});
