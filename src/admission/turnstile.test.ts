import { expect, test } from "bun:test";
import { Turnstile } from "./turnstile.ts";

test("never more than the bound are inside, in the order in which they came, and nobody is forgotten", async () => {
  const turnstile = new Turnstile(2);
  const order: number[] = [];
  let most = 0;
  await Promise.all(
    [1, 2, 3, 4, 5].map(async (number) => {
      using _turn = await turnstile.enter();
      order.push(number);
      most = Math.max(most, turnstile.inside);
      await Bun.sleep(1);
    }),
  );
  expect([most, turnstile.inside, order]).toEqual([2, 0, [1, 2, 3, 4, 5]]);
});

test("leaving twice frees one place", async () => {
  const turnstile = new Turnstile(1);
  const turn = await turnstile.enter();
  turn[Symbol.dispose]();
  turn[Symbol.dispose]();
  expect(turnstile.inside).toBe(0);
});

test("a failure inside gives the place back", async () => {
  const turnstile = new Turnstile(1);
  const fail = async () => {
    using _turn = await turnstile.enter();
    throw new Error("no");
  };
  expect(fail()).rejects.toThrow("no");
  using _turn = await turnstile.enter();
  expect(turnstile.inside).toBe(1);
});
