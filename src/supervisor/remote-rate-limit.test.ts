import { afterAll, describe, expect, test } from "bun:test";
import { describeRateLimit, type RateLimitUnderTest } from "../admission/rate-limit.contract.ts";
import { systemClock } from "../clock.ts";
import type { PinholeError } from "../errors.ts";
import type { FromDesk, ToDesk } from "./desk.fixture.ts";
import type { FromProcess, ToProcess } from "./messages.ts";
import { RemoteRateLimit } from "./remote-rate-limit.ts";
import { SupervisorLink } from "./supervisor-link.ts";

const FIXTURE = new URL("desk.fixture.ts", import.meta.url).pathname;
const identity = { process: 1, restarts: 0 };

/** Desks in another process, as the supervisor's is. */
const listeners: ((message: ToProcess) => void)[] = [];
const desks = Bun.spawn([process.execPath, "--no-env-file", FIXTURE], {
  serialization: "json",
  stdin: "ignore",
  ipc: ({ desk, message }: FromDesk) => listeners[desk]?.(message),
});
const tell = (given: ToDesk) => desks.send(given);

afterAll(async () => {
  desks.disconnect();
  await desks.exited;
});

function remote({ policies, clock, hashClient }: RateLimitUnderTest): RemoteRateLimit {
  const desk = listeners.push(() => undefined) - 1;
  tell({ open: desk, policies, now: clock.now() });
  const channel = {
    send(message: FromProcess) {
      tell({ desk, now: clock.now(), message });
      return true;
    },
    onMessage(listener: (message: ToProcess) => void) {
      listeners[desk] = listener;
    },
    onGone: () => undefined,
  };
  return new RemoteRateLimit(new SupervisorLink(channel, identity, systemClock).ask, hashClient);
}

describeRateLimit("RemoteRateLimit, across a process border,", remote);

test("what a question costs", async () => {
  const limit = remote({
    policies: [{ name: "predict", limit: 10, windowSeconds: 1 }],
    clock: systemClock,
    hashClient: String,
  });
  const times = 2000;
  const from = performance.now();
  for (let i = 0; i < times; i++) await limit.take("predict", "a");
  const us = ((performance.now() - from) / times) * 1000;
  console.log(`a question to another process, one after the other: ${us.toFixed(0)} µs each`);
  expect((await limit.statistics())[0]).toMatchObject({ clients: 1 });
});

describe("RemoteRateLimit without an answer", () => {
  const linkTo = (send: () => boolean) =>
    new SupervisorLink({ send, onMessage: () => undefined, onGone: () => undefined }, identity, systemClock);
  const outcome = async (asking: Promise<unknown>) =>
    asking.then(
      () => "let in",
      (error: PinholeError) => [error.code, error.members.retry_after_seconds],
    );

  test.each([
    ["nobody is there", () => false],
    ["it does not come", () => true],
  ])("%s: lets nobody in, says so to the client and counts it", async (_, send) => {
    const link = linkTo(send);
    const limit = new RemoteRateLimit(link.ask, String);
    const asking = [limit.take("predict", "a"), limit.peek("predict", "a"), limit.statistics()];
    for (const asked of asking.map(outcome)) expect(await asked).toEqual(["OVERLOADED", 1]);
    expect(link.unanswered).toBe(3);
  });
});
