import { describe, expect, test } from "bun:test";
import { QueueBound } from "./queue-bound.ts";

const boundOf = (heldMs: number, waitMs = 1000, limit = 4) =>
  new QueueBound({ limit: { limit, heldMs }, waitMs, capacityMax: 256 });

describe("QueueBound", () => {
  test("as many may wait as get their turn in time: fewer for a slow network, more for a fast one", () => {
    // Four in flight for 160 ms each are 25 a second; seven tenths of those.
    expect(boundOf(160).capacity).toBe(17);
    expect(boundOf(160, 800).capacity).toBe(14);
    expect(boundOf(16).capacity).toBe(175);
  });

  test("never more than the configured number, and some always", () => {
    expect(boundOf(4).capacity).toBe(256);
    expect(boundOf(60_000, 1, 1).capacity).toBe(2);
  });

  test("before anything was answered the configured number, and the configured time", () => {
    expect(boundOf(0).capacity).toBe(256);
    expect(boundOf(0).waitMs).toBe(1000);
  });

  test("who takes long anyway may wait for four times as long", () => {
    const bound = boundOf(3000);
    expect(bound.waitMs).toBe(12_000);
    expect(bound.capacity).toBe(11);
  });

  test("0: no wait is too long, and the configured number may", () => {
    expect(boundOf(160, 0).waitMs).toBe(Number.POSITIVE_INFINITY);
    expect(boundOf(160, 0).capacity).toBe(256);
  });
});
