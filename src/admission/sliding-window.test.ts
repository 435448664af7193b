import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { describeRateLimit } from "./rate-limit.contract.ts";
import { SlidingWindowRateLimit } from "./sliding-window.ts";

describeRateLimit("SlidingWindowRateLimit", (given) => {
  return new SlidingWindowRateLimit({ enabled: true, clientsMax: 1000, ...given });
});

function limiter(options: { clientsMax?: number; enabled?: boolean; limit?: number } = {}) {
  const clock = new ManualClock();
  const limit = new SlidingWindowRateLimit({
    enabled: options.enabled ?? true,
    policies: [{ name: "predict", limit: options.limit ?? 2, windowSeconds: 10 }],
    clientsMax: options.clientsMax ?? 100,
    clock,
    hashClient: (key) => key,
  });
  const take = (client: string) => limit.take("predict", client).allowed;
  const clients = () => limit.statistics()[0]!.clients;
  return { clock, limit, take, clients };
}

describe("SlidingWindowRateLimit", () => {
  test("switched off it allows everything and remembers nobody", () => {
    const { limit, clients } = limiter({ enabled: false });
    for (let i = 0; i < 10; i++) {
      expect(limit.take("predict", "a")).toMatchObject({ allowed: true, remaining: 2, resetSeconds: 0 });
    }
    expect(clients()).toBe(0);
  });

  test("past the cap the longest unseen client is forgotten, being refused counts as seen", () => {
    const { take, clients } = limiter({ clientsMax: 2 });
    take("a");
    take("a");
    take("b");
    take("b");
    expect(take("a")).toBe(false);
    take("c");
    expect(clients()).toBe(2);
    expect(take("a")).toBe(false);
    expect(take("b")).toBe(true);
  });

  test("sweep forgets exactly those whose window has passed", () => {
    const { clock, limit, take, clients } = limiter();
    take("a");
    clock.advance(4_000);
    take("b");
    clock.advance(5_999);
    expect(limit.sweep()).toBe(0);
    clock.advance(1);
    expect(limit.sweep()).toBe(1);
    expect(clients()).toBe(1);
    clock.advance(4_000);
    expect(limit.sweep()).toBe(1);
    expect(clients()).toBe(0);
  });

  test("sweep does no more than it is told in one call", () => {
    const { clock, limit, take, clients } = limiter();
    for (let i = 0; i < 10; i++) take(`client ${i}`);
    clock.advance(10_000);
    expect(limit.sweep(4)).toBe(4);
    expect(clients()).toBe(6);
  });

  test("a client that is swept while it sleeps is limited as before when it comes back", () => {
    const { clock, limit, take } = limiter();
    take("a");
    clock.advance(10_000);
    limit.sweep();
    expect([take("a"), take("a"), take("a")]).toEqual([true, true, false]);
  });

  test("a large limit is held while its log grows and wraps", () => {
    const { clock, take } = limiter({ limit: 1000 });
    let allowed = 0;
    for (let i = 0; i < 3000; i++) {
      if (take("a")) allowed++;
      clock.advance(5);
    }
    // 15 s: the window fills in the first 5, and from 10 s on each ms gives back what it took.
    expect(allowed).toBe(2000);
  });

  test("statistics name the ten most refused of many", () => {
    const { limit, take } = limiter({ limit: 1 });
    for (let client = 0; client < 30; client++) {
      for (let i = 0; i <= client; i++) take(`client ${client}`);
    }
    const { topRefused } = limit.statistics()[0]!;
    expect(topRefused.map(({ refused }) => refused)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
  });
});
