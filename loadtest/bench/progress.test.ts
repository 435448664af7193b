import { expect, test } from "bun:test";
import { duration, Progress } from "./progress.ts";

function progress(total: number, isTerminal: boolean) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const write = (text: string) => void written.push(text);
  return { written, clock, progress: new Progress(total, { write, isTerminal, now: () => clock.ms }) };
}

test("tells the time to go from the time it took", () => {
  const { written, clock, progress: shown } = progress(4, true);
  shown.note("starting");
  clock.ms = 60_000;
  shown.measuring("a");
  clock.ms = 90_000;
  shown.measured();
  shown.measuring("b");
  shown.end();
  expect(written).toEqual([
    "\r\x1b[Kstarting",
    "\r\x1b[K0/4  a",
    "\r\x1b[K1/4, 1 min 30 s to go  b",
    "\r\x1b[K",
  ]);
});

test("writes a log of some ten lines", () => {
  const { written, progress: shown } = progress(600, false);
  for (let i = 0; i < 600; i++) {
    shown.measuring("x");
    shown.measured();
  }
  expect(written).toHaveLength(10);
  expect(written[0]).toBe("0/600  x\n");
});

test("seconds become minutes", () => {
  expect([0.4, 59.4, 61, 3600].map(duration)).toEqual(["0 s", "59 s", "1 min 1 s", "60 min 0 s"]);
});
