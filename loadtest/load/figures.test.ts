import { expect, test } from "bun:test";
import { bytes, count, duration, ms, percent, rate } from "./figures.ts";

test.each([
  [ms(0), "0 ms"],
  [ms(0.0042), "0.004 ms"],
  [ms(5.4321), "5.43 ms"],
  [ms(47.27), "47.3 ms"],
  [ms(247.4), "247 ms"],
  [ms(1530), "1.53 s"],
  [percent(0), "0%"],
  [percent(0.00642), "0.642%"],
  [percent(1), "100%"],
  [rate(346.2), "346"],
  [count(4151), "4,151"],
  [count(0.8131), "0.813"],
  [bytes(209.6 * 1024 * 1024), "210 MiB"],
  [duration(12), "12 s"],
  [duration(1200), "20 min"],
  [duration(150), "2 min 30 s"],
])("%s", (said, wanted) => {
  expect(said).toBe(wanted);
});
