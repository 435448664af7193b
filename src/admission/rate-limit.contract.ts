import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { Random } from "../../test/system/random.ts";
import type { Clock } from "../clock.ts";
import type { RateLimit, RateLimitPolicy } from "./rate-limit.ts";

export interface RateLimitUnderTest {
  policies: readonly RateLimitPolicy[];
  clock: Clock;
  hashClient: (clientKey: string) => string;
}

const PREDICT: RateLimitPolicy = { name: "predict", limit: 5, windowSeconds: 7 };
const READ: RateLimitPolicy = { name: "read", limit: 100, windowSeconds: 1 };
const WINDOW_MS = PREDICT.windowSeconds * 1000;

/** What every rate limit must keep, however it is made. `make` gives a new one without any history. */
export function describeRateLimit(name: string, make: (given: RateLimitUnderTest) => RateLimit): void {
  const setUp = (now = 1_000) => {
    const clock = new ManualClock(now);
    const hashClient = (clientKey: string) => `hash of ${clientKey}`;
    return { clock, limit: make({ policies: [PREDICT, READ], clock, hashClient }) };
  };

  describe(`${name} keeps the rate-limit contract`, () => {
    test("allows up to the limit and then says how long to wait", async () => {
      const { clock, limit } = setUp();
      for (const remaining of [4, 3, 2, 1, 0]) {
        const given = await limit.take("predict", "a");
        expect(given).toMatchObject({
          policy: "predict",
          allowed: true,
          limit: 5,
          windowSeconds: 7,
          remaining,
        });
        expect(given.retryAfterSeconds).toBe(0);
        clock.advance(500);
      }
      // The first left its mark at 0 s, the last at 2 s; it is 2.5 s now.
      expect(await limit.take("predict", "a")).toMatchObject({
        allowed: false,
        remaining: 0,
        retryAfterSeconds: 5,
        resetSeconds: 7,
      });
    });

    test("limits each client and each policy by itself", async () => {
      const { limit } = setUp();
      for (let i = 0; i < 5; i++) await limit.take("predict", "a");
      expect((await limit.take("predict", "a")).allowed).toBe(false);
      expect((await limit.take("predict", "b")).allowed).toBe(true);
      expect(await limit.take("read", "a")).toMatchObject({ allowed: true, remaining: 99 });
    });

    test("peek says what is left, and takes nothing", async () => {
      const { clock, limit } = setUp();
      const unseen = { allowed: true, remaining: 5, resetSeconds: 0, retryAfterSeconds: 0 };
      expect(await limit.peek("predict", "a")).toMatchObject(unseen);
      for (let i = 0; i < 4; i++) await limit.take("predict", "a");
      for (let i = 0; i < 3; i++) {
        expect(await limit.peek("predict", "a")).toMatchObject({
          allowed: true,
          remaining: 1,
          resetSeconds: 7,
        });
      }
      clock.advance(2_000);
      await limit.take("predict", "a");
      const full = { allowed: false, remaining: 0, resetSeconds: 7, retryAfterSeconds: 5 };
      expect(await limit.peek("predict", "a")).toMatchObject(full);
      clock.advance(7_000);
      expect(await limit.peek("predict", "a")).toMatchObject(unseen);
      expect((await limit.statistics())[0]).toMatchObject({ admitted: 5, refused: 0 });
    });

    test("refused requests do not extend the wait", async () => {
      const { clock, limit } = setUp();
      for (let i = 0; i < 5; i++) await limit.take("predict", "a");
      for (let i = 0; i < 69; i++) {
        clock.advance(100);
        expect((await limit.take("predict", "a")).allowed).toBe(false);
      }
      clock.advance(100);
      expect((await limit.take("predict", "a")).allowed).toBe(true);
    });

    test("the full limit is there again after resetSeconds, and not a second before", async () => {
      const { clock, limit } = setUp();
      for (let i = 0; i < 3; i++) await limit.take("predict", "a");
      const { resetSeconds } = await limit.take("predict", "a");
      clock.advance((resetSeconds - 1) * 1000);
      expect((await limit.take("predict", "a")).remaining).toBe(0);
      clock.advance(resetSeconds * 1000);
      expect((await limit.take("predict", "a")).remaining).toBe(4);
    });

    test("on random schedules of whole ms it decides as a list of all instants does", async () => {
      for (let seed = 1; seed <= 40; seed++) {
        const random = new Random(seed);
        const { clock, limit } = setUp(random.whole(0, 1e6));
        const admitted: number[] = [];
        for (let i = 0; i < 150; i++) {
          clock.advance(Math.floor(random.next() ** 3 * WINDOW_MS));
          const inWindow = admitted.filter((instant) => instant > clock.now() - WINDOW_MS);
          const given = await limit.take("predict", "a");
          expect(given.allowed).toBe(inWindow.length < PREDICT.limit);
          if (given.allowed) admitted.push(clock.now());
          else
            expect(given.retryAfterSeconds).toBe(Math.ceil((inWindow[0]! + WINDOW_MS - clock.now()) / 1000));
        }
      }
    });

    test("on any schedule no true window is overfull, and waiting out Retry-After succeeds", async () => {
      for (let seed = 1; seed <= 40; seed++) {
        const random = new Random(seed);
        const { clock, limit } = setUp(random.next() * 1e9);
        const admitted: number[] = [];
        for (let i = 0; i < 150; i++) {
          // Now and then to a fraction of a ms before or after the window of the oldest ends: where a limit errs.
          const oldest = admitted.at(-PREDICT.limit) ?? 0;
          const edge = oldest + WINDOW_MS - clock.now() + random.next() - 0.5;
          clock.advance(random.next() < 0.3 && edge > 0 ? edge : random.next() ** 3 * WINDOW_MS);
          let given = await limit.take("predict", "a");
          if (!given.allowed && random.next() < 0.5) {
            expect(given.retryAfterSeconds).toBeGreaterThanOrEqual(1);
            clock.advance(given.retryAfterSeconds * 1000);
            given = await limit.take("predict", "a");
            expect(given.allowed).toBe(true);
          }
          if (given.allowed) admitted.push(clock.now());
        }
        for (let i = PREDICT.limit; i < admitted.length; i++) {
          expect(admitted[i]! - admitted[i - PREDICT.limit]!).toBeGreaterThanOrEqual(WINDOW_MS);
        }
      }
    });

    test("statistics name clients by their hash only, the most refused first", async () => {
      const { limit } = setUp();
      for (let i = 0; i < 7; i++) await limit.take("predict", "mild");
      for (let i = 0; i < 9; i++) await limit.take("predict", "wild");
      await limit.take("predict", "good");
      const [predict, read] = await limit.statistics();
      expect(predict).toEqual({
        policy: "predict",
        limit: 5,
        windowSeconds: 7,
        clients: 3,
        admitted: 11,
        refused: 6,
        topRefused: [
          { clientHash: "hash of wild", refused: 4 },
          { clientHash: "hash of mild", refused: 2 },
        ],
      });
      expect(read).toMatchObject({ policy: "read", clients: 0, admitted: 0, refused: 0, topRefused: [] });
    });

    test("a policy that was never declared is a mistake", async () => {
      const { limit } = setUp();
      const taken = (async () => limit.take("upload", "a"))();
      await expect(taken).rejects.toThrow("upload");
    });
  });
}
