import { expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { MemoryGuard } from "./memory-guard.ts";

function setUp() {
  const clock = new ManualClock();
  const told: string[] = [];
  let bytes = 0;
  const guard = new MemoryGuard({
    residentBytes: () => bytes,
    softBytes: 1000,
    hardBytes: 1200,
    clock,
    relieve: () => told.push("relieve"),
    onShed: (held) => told.push(`shed at ${held}`),
    onRelief: (held) => told.push(`relief at ${held}`),
    onExhausted: (held) => told.push(`exhausted at ${held}`),
  });
  const at = (held: number, afterMs = 500) => {
    bytes = held;
    clock.advance(afterMs);
    guard.look();
    return guard.shedding;
  };
  return { at, told };
}

test("sheds from the soft limit on until it is well below, and asks for relief from time to time", () => {
  const { at, told } = setUp();
  expect([at(999), at(1000), at(999), at(950), at(1100, 4000), at(949), at(999)]).toEqual([
    false,
    true,
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(told).toEqual(["shed at 1000", "relieve", "relieve", "relief at 949"]);
});

test("at the hard limit it is told once that the process must be replaced, and new work stays out", () => {
  const { at, told } = setUp();
  expect([at(1200), at(1300)]).toEqual([true, true]);
  expect(told).toEqual(["shed at 1200", "relieve", "exhausted at 1200"]);
});

test("so it is when there is no way back below the soft limit", () => {
  const { at, told } = setUp();
  at(1100);
  for (let waited = 0; waited < 119_000; waited += 1000) at(1100, 1000);
  expect(told).not.toContain("exhausted at 1100");
  at(1100, 1000);
  at(1100, 1000);
  expect(told.filter((one) => one.startsWith("exhausted"))).toEqual(["exhausted at 1100"]);
});

test("a soft limit that was passed for a while, often, is no reason", () => {
  const { at, told } = setUp();
  for (let round = 0; round < 10; round++) {
    at(1100, 60_000);
    at(900, 60_000);
  }
  expect(told.filter((one) => one.startsWith("exhausted"))).toEqual([]);
});
