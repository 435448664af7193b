import { describe, expect, test } from "bun:test";
import { RestartPolicy } from "./restart-policy.ts";

const policy = (limit = 5, random = () => 1) => new RestartPolicy({ limit, stableMs: 10_000, random });

describe("RestartPolicy", () => {
  test("waits twice as long each time, then says that it is enough", () => {
    const restarts = policy();
    expect(Array.from({ length: 7 }, () => restarts.next(0))).toEqual([100, 200, 400, 800, 1600, null, null]);
  });

  test("waits 10 s at most, and at least half of what is due", () => {
    const longest = policy(50);
    const shortest = policy(50, () => 0);
    const due = Array.from({ length: 50 }, () => [longest.next(0)!, shortest.next(0)!] as const);
    expect(due.at(-1)).toEqual([10_000, 5000]);
    for (const [long, short] of due) expect(short).toBe(long / 2);
  });

  test("a good run starts a new row, a short one does not", () => {
    const restarts = policy(2);
    expect([restarts.next(0), restarts.next(9999), restarts.next(9999)]).toEqual([100, 200, null]);
    expect([restarts.next(10_000), restarts.next(0), restarts.next(0)]).toEqual([100, 200, null]);
  });

  test("with a limit of 0 there is no restart, however good the run was", () => {
    expect(policy(0).next(1e9)).toBeNull();
  });
});
