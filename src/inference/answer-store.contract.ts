import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import type { Clock } from "../clock.ts";
import type { AnswerStore } from "./answer-store.ts";

export interface AnswerStoreUnderTest {
  maxBytes: number;
  ttlMs: number;
  sizeOf: (value: string) => number;
  clock: Clock;
}

/** What every answer store must keep, however it is made. `make` gives a new, empty one. */
export function describeAnswerStore(
  name: string,
  make: (given: AnswerStoreUnderTest) => AnswerStore<string>,
): void {
  const setUp = () => {
    const clock = new ManualClock();
    const store = make({ maxBytes: 10_000, ttlMs: 60_000, sizeOf: (value) => value.length, clock });
    return { clock, store };
  };

  describe(`${name} keeps the answer-store contract`, () => {
    test("gives back what was set, and nothing else", async () => {
      const { store } = setUp();
      expect(await store.get("k")).toBeUndefined();
      await store.set("k", "m", "value");
      expect(await store.get("k")).toBe("value");
      await store.set("k", "m", "newer");
      expect(await store.get("k")).toBe("newer");
      expect(await store.get("other")).toBeUndefined();
    });

    test("forgets after its time, counted from when the value was set", async () => {
      const { clock, store } = setUp();
      await store.set("k", "m", "value");
      clock.advance(59_999);
      expect(await store.get("k")).toBe("value");
      clock.advance(2);
      expect(await store.get("k")).toBeUndefined();
    });

    test("stays within its bytes; the longest unused gives way, and is counted", async () => {
      const { store } = setUp();
      const value = "x".repeat(1500);
      for (let i = 0; i < 5; i++) await store.set(`k${i}`, "m", value);
      expect(await store.get("k0")).toBe(value);
      await store.set("k5", "m", value);
      await store.set("k6", "m", value);
      expect(await store.get("k1")).toBeUndefined();
      expect(await store.get("k0")).toBe(value);
      const { entries, bytes, evictions } = store.statistics();
      expect(bytes).toBeLessThanOrEqual(10_000);
      expect(entries).toBeGreaterThanOrEqual(3);
      expect(entries + evictions).toBe(7);
    });

    test("a value larger than the store is not kept", async () => {
      const { store } = setUp();
      await store.set("small", "m", "value");
      await store.set("large", "m", "x".repeat(10_001));
      expect(await store.get("large")).toBeUndefined();
      expect(await store.get("small")).toBe("value");
    });

    test("forgets one model's answers, or all", async () => {
      const { store } = setUp();
      await store.set("k1", "m/1", "a");
      await store.set("k2", "m/2", "b");
      await store.set("k3", "m/1", "c");
      await store.deleteModel("m/1");
      expect([await store.get("k1"), await store.get("k2"), await store.get("k3")]).toEqual([
        undefined,
        "b",
        undefined,
      ]);
      await store.clear();
      expect(await store.get("k2")).toBeUndefined();
      expect(store.statistics()).toMatchObject({ entries: 0, bytes: 0, evictions: 0 });
    });
  });
}
