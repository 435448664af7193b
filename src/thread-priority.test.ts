import { expect, test } from "bun:test";
import { getPriority } from "node:os";

const THREAD = new URL("thread-priority.fixture.ts", import.meta.url);

test.if(process.platform === "linux")("the calling thread stands back, and no other", async () => {
  const before = getPriority(process.pid);
  const thread = new Worker(THREAD);
  const { promise, resolve } = Promise.withResolvers<{ id: number; niceness: number }>();
  thread.onmessage = ({ data }) => resolve(data);
  const { id, niceness } = await promise;
  const lower = Math.min(19, before + 7);
  expect(id).not.toBe(process.pid);
  expect([niceness, getPriority(id)]).toEqual([lower, lower]);
  expect(getPriority(process.pid)).toBe(before);
  thread.postMessage("leave");
});
