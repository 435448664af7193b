import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { AdaptiveLimit } from "./adaptive-limit.ts";

interface Server {
  workers: number;
  /** Of a batch of so many, in a worker. */
  inferMs: (rows: number) => number;
  /** In one of as many decoders as there are workers. */
  decodeMs?: number;
  largestBatch?: number;
}

/** Decoders and workers as in the walk, and a limit before them. Times vary by a fifth, by a seed. */
class Simulation {
  readonly clock = new ManualClock();
  readonly limit: AdaptiveLimit;
  readonly server: Server;
  answered = 0;
  /** Whether somebody always waits to come in. */
  saturated = false;
  #inFlight = 0;
  #decoding = 0;
  #running = 0;
  readonly #toDecode: Item[] = [];
  readonly #toRun: Item[] = [];
  #seed = 1;

  constructor(server: Server, options: { min?: number; max?: number } = {}) {
    this.server = server;
    const { workers, largestBatch = 1 } = server;
    const { min = workers + 1, max = 1000 } = options;
    this.limit = new AdaptiveLimit({ workers, largestBatch, min, max, clock: this.clock });
  }

  /** As many come as may. @returns images answered a second, and the mean time in flight */
  saturate(ms: number): { perSecond: number; inFlight: number } {
    const before = this.answered;
    this.saturated = true;
    this.#admit();
    let inFlight = 0;
    for (let at = 0; at < ms; at += 10) {
      this.clock.advance(10);
      inFlight += this.#inFlight;
    }
    this.saturated = false;
    return { perSecond: ((this.answered - before) * 1000) / ms, inFlight: inFlight / (ms / 10) };
  }

  /** One at a time, each `gapMs` after the last answer. */
  trickle(count: number, gapMs: number): void {
    for (let i = 0; i < count; i++) {
      this.#enter();
      while (this.#inFlight > 0) this.clock.advance(1);
      this.clock.advance(gapMs);
    }
  }

  #enter(): void {
    this.#inFlight++;
    this.#toDecode.push({ from: this.clock.now(), busyMs: 0 });
    this.#decode();
  }

  #admit(): void {
    while (this.saturated && this.#inFlight < this.limit.limit) this.#enter();
  }

  #decode(): void {
    const { workers, decodeMs = 0 } = this.server;
    while (this.#decoding < workers && this.#toDecode.length > 0) {
      const item = this.#toDecode.shift()!;
      this.#decoding++;
      this.#spend(decodeMs, [item], () => {
        this.#decoding--;
        this.#toRun.push(item);
        this.#decode();
        this.#run();
      });
    }
  }

  #run(): void {
    const { workers, inferMs, largestBatch = 1 } = this.server;
    while (this.#running < workers && this.#toRun.length > 0) {
      const batch = this.#toRun.splice(0, largestBatch);
      this.#running++;
      this.#spend(inferMs(batch.length), batch, () => {
        this.#running--;
        for (const { from, busyMs } of batch) {
          const heldMs = this.clock.now() - from;
          this.limit.add({ heldMs, busyMs, rows: batch.length, inFlight: this.#inFlight });
          this.#inFlight--;
          this.answered++;
        }
        this.#run();
        this.#admit();
      });
    }
  }

  #spend(meanMs: number, items: Item[], then: () => void): void {
    this.#seed = (this.#seed * 48271) % 2147483647;
    const ms = meanMs * (0.8 + (0.4 * this.#seed) / 2147483647);
    for (const item of items) item.busyMs += ms;
    this.clock.after(ms, then);
  }
}

interface Item {
  from: number;
  busyMs: number;
}

const alone = (ms: number) => (rows: number) => ms * rows;

describe("AdaptiveLimit", () => {
  for (const workers of [1, 2, 4, 8, 16, 32])
    for (const ms of [2, 80, 1000])
      test(`${workers} workers of ${ms} ms: all of them busy, and hardly more waiting than that needs`, () => {
        const simulation = new Simulation({ workers, inferMs: alone(ms), decodeMs: ms / 40 });
        simulation.saturate(30 * ms + 2000);
        const { perSecond, inFlight } = simulation.saturate(100 * ms + 2000);
        expect(perSecond).toBeGreaterThan(0.95 * ((1000 * workers) / ms));
        expect(simulation.limit.limit).toBeGreaterThanOrEqual(workers);
        expect(inFlight).toBeLessThanOrEqual(1.3 * workers + 2 * Math.sqrt(workers));
      });

  test("decoding that takes as long as the network gets its own share in flight", () => {
    const simulation = new Simulation({ workers: 4, inferMs: alone(3), decodeMs: 3 });
    simulation.saturate(2000);
    const { perSecond } = simulation.saturate(5000);
    expect(perSecond).toBeGreaterThan(0.93 * (4000 / 3));
    expect(simulation.limit.limit).toBeGreaterThanOrEqual(8);
    expect(simulation.limit.limit).toBeLessThanOrEqual(16);
  });

  test("finds the way back from far too many and from too few", () => {
    const server: Server = { workers: 2, inferMs: (rows) => 40 + rows, decodeMs: 1, largestBatch: 32 };
    const simulation = new Simulation(server);
    expect(simulation.limit.limit).toBe(3);
    simulation.saturate(20_000);
    expect(simulation.limit.limit).toBeGreaterThan(60);
    Object.assign(server, { inferMs: alone(40), largestBatch: 1 });
    simulation.saturate(15_000);
    expect(simulation.limit.limit).toBeLessThan(12);
    expect(simulation.saturate(10_000).perSecond).toBeGreaterThan(47);
  });

  test("a network that gets ten times slower or faster is no queue: the limit stays, and is right at once", () => {
    const server: Server = { workers: 4, inferMs: alone(10), decodeMs: 1 };
    const simulation = new Simulation(server);
    simulation.saturate(5000);
    for (const ms of [100, 10, 100]) {
      server.inferMs = alone(ms);
      simulation.saturate(10 * ms);
      const { perSecond, inFlight } = simulation.saturate(5000);
      expect(perSecond).toBeGreaterThan(0.93 * (4000 / ms));
      expect(inFlight).toBeLessThanOrEqual(10);
      expect(simulation.limit.baselineMs).toBeGreaterThan(0.9 * ms);
      expect(simulation.limit.baselineMs).toBeLessThan(1.1 * (ms + 1));
    }
  });

  test("does not drift up over a long overload", () => {
    const simulation = new Simulation({ workers: 2, inferMs: alone(20), decodeMs: 1 });
    simulation.saturate(5000);
    const limits = Array.from({ length: 60 }, () => {
      simulation.saturate(10_000);
      return simulation.limit.limit;
    });
    expect(Math.max(...limits)).toBeLessThanOrEqual(5);
  });

  test("does not grow while it is not reached, however long", () => {
    const simulation = new Simulation({ workers: 4, inferMs: alone(5), decodeMs: 1 });
    const before = simulation.limit.limit;
    simulation.trickle(5000, 20);
    expect(simulation.limit.limit).toBe(before);
    expect(simulation.limit.gradient).toBeGreaterThan(0.95);
  });

  test("is as it was within two seconds of an overload's end", () => {
    const simulation = new Simulation({ workers: 2, inferMs: alone(80), decodeMs: 2 });
    const before = simulation.limit.limit;
    simulation.saturate(20_000);
    simulation.clock.advance(2000);
    simulation.trickle(10, 0);
    expect(Math.abs(simulation.limit.limit - before)).toBeLessThanOrEqual(1);
    expect(simulation.limit.gradient).toBeGreaterThan(0.95);
    expect(simulation.limit.heldMs).toBeLessThan(120);
  });

  test("batches that cost little more than one image are filled", () => {
    for (const workers of [1, 2, 4]) {
      const inferMs = (rows: number) => 40 + rows;
      const simulation = new Simulation({ workers, inferMs, decodeMs: 1, largestBatch: 8 });
      simulation.saturate(10_000);
      const { perSecond } = simulation.saturate(10_000);
      expect(perSecond).toBeGreaterThan(0.8 * ((8000 * workers) / 48));
      expect(simulation.limit.limit).toBeLessThanOrEqual(8 * 4 * workers);
    }
  });

  test("no window takes more than a quarter away, and none goes below the lowest or above the highest", () => {
    const clock = new ManualClock();
    const limit = new AdaptiveLimit({ workers: 8, largestBatch: 1, min: 9, max: 20, clock });
    const window = (busyMs: number) => {
      clock.advance(100);
      const before = limit.limit;
      for (let i = 0; i < before; i++) limit.add({ heldMs: 1000, busyMs, rows: 1, inFlight: before });
    };
    for (let i = 0; i < 50; i++) window(1000);
    expect(limit.limit).toBe(20);
    window(1);
    expect(limit.limit).toBeGreaterThanOrEqual(15);
    for (let i = 0; i < 50; i++) window(1);
    expect(limit.limit).toBe(9);
  });

  test("the same lowest and highest is a fixed number, with figures all the same", () => {
    const simulation = new Simulation({ workers: 2, inferMs: alone(10) }, { min: 40, max: 40 });
    simulation.saturate(5000);
    expect(simulation.limit.limit).toBe(40);
    expect(simulation.limit.gradient).toBeLessThan(0.1);
    expect(simulation.limit.heldMs).toBeGreaterThan(150);
  });
});
