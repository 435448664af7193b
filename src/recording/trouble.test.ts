import { expect, test } from "bun:test";
import { Trouble } from "./trouble.ts";

test("tells of the first failure and of the first success after it, and rejects nobody", async () => {
  const told: string[] = [];
  const trouble = new Trouble({
    onBegin: (error) => told.push(String(error)),
    onEnd: () => told.push("well"),
  });
  const fail = (why: string) => () => Promise.reject(new Error(why));
  await trouble.try(() => undefined);
  expect(told).toEqual([]);
  await trouble.try(fail("one"));
  await trouble.try(fail("two"));
  await trouble.try(() => undefined);
  await trouble.try(() => undefined);
  await trouble.try(() => {
    throw new Error("three");
  });
  expect(told).toEqual(["Error: one", "well", "Error: three"]);
});
