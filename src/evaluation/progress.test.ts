import { expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { Progress } from "./progress.ts";

test("says now and then how long it will yet take, counted from when the piece of work began", () => {
  const lines: string[] = [];
  const clock = new ManualClock();
  const progress = new Progress(clock, (line) => void lines.push(line));
  for (const [at, done, what] of [
    [1000, 10, "a"],
    [1500, 20, "a"],
    [3000, 50, "a"],
    [4000, 70, "a"],
    [10_000, 1, "b"],
    [13_000, 31, "b"],
  ] as const) {
    clock.advance(at - clock.now());
    progress.tell(done, 100, what);
  }
  expect(lines).toEqual(["a: 50 of 100, 3 s to go", "b: 31 of 100, 7 s to go"]);
});
