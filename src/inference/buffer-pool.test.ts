import { describe, expect, test } from "bun:test";
import { BufferPool } from "./buffer-pool.ts";

const KIB = 1024;

describe("buffer pool", () => {
  test("gives exactly the bytes that are asked for, on memory of their own, at most a quarter more", () => {
    const pool = new BufferPool({ maxBytes: 0 });
    for (const bytes of [
      1,
      3,
      16 * KIB,
      16 * KIB + 1,
      196_608,
      196_609,
      2_408_448,
      49_999_999,
      150_000_000,
    ]) {
      const { buffer, byteOffset, byteLength } = pool.take(bytes);
      expect([byteOffset, byteLength]).toEqual([0, bytes]);
      expect(buffer.byteLength).toBeGreaterThanOrEqual(bytes);
      expect(buffer.byteLength).toBeLessThanOrEqual(Math.max(16 * KIB, bytes * 1.25));
    }
  });

  test("what was given back is used again, for pictures a little smaller or larger, too", () => {
    const pool = new BufferPool({ maxBytes: 1024 * KIB });
    const first = pool.take(256 * 256 * 3);
    expect(pool.take(256 * 256 * 3).buffer).not.toBe(first.buffer);
    pool.give(first.buffer);
    expect(pool.idleBytes).toBe(first.buffer.byteLength);
    const second = pool.take(250 * 255 * 3);
    expect(second.buffer).toBe(first.buffer);
    expect(second.byteLength).toBe(250 * 255 * 3);
    expect(pool.idleBytes).toBe(0);
  });

  test("no buffer is out twice", () => {
    const pool = new BufferPool({ maxBytes: 1024 * KIB });
    const out = new Set<ArrayBuffer>();
    for (let round = 0; round < 500; round++) {
      const { buffer } = pool.take(20 * KIB + ((round * 7919) % (40 * KIB)));
      expect(out.has(buffer)).toBe(false);
      out.add(buffer);
      const [oldest] = out;
      if (out.size > 8) {
        out.delete(oldest!);
        pool.give(oldest!);
      }
    }
  });

  test("what lies idle is bounded, the longest unused goes first", () => {
    const pool = new BufferPool({ maxBytes: 128 * KIB });
    const [old, middle, young] = [64, 64, 32].map((kib) => pool.take(kib * KIB).buffer);
    for (const buffer of [old, middle, young]) pool.give(buffer!);
    expect(pool.idleBytes).toBe(96 * KIB);
    expect(pool.take(64 * KIB).buffer).toBe(middle!);
    expect(pool.take(64 * KIB).buffer).not.toBe(old!);
    pool.give(new ArrayBuffer(256 * KIB));
    expect(pool.idleBytes).toBe(0);
  });

  test("what no decoder could use is not kept", () => {
    const pool = new BufferPool({ maxBytes: 1024 * KIB });
    pool.give(new ArrayBuffer(196_607));
    pool.give(new SharedArrayBuffer(196_608));
    const moved = pool.take(64 * KIB).buffer;
    moved.transfer();
    pool.give(moved);
    expect(pool.idleBytes).toBe(0);
  });
});
