import { expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { RefusalLog } from "./refusal-log.ts";

test("tells of the first refusal at once, then once a second of as many as there were", () => {
  const clock = new ManualClock();
  const refusals = new RefusalLog(clock);
  expect([refusals.count(), refusals.count(), refusals.count()]).toEqual([1, 0, 0]);
  clock.advance(999);
  expect(refusals.count()).toBe(0);
  clock.advance(1);
  expect([refusals.count(), refusals.count()]).toEqual([4, 0]);
  clock.advance(60_000);
  expect(refusals.count()).toBe(2);
});
