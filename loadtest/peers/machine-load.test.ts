import { expect, test } from "bun:test";
import { busyCpuMs, machineCpuMs } from "./machine-load.ts";

test("busy is all but idle, iowait and steal", () => {
  expect(busyCpuMs("cpu  10 2 3 10000 500 4 1 77 0 0\ncpu0 5 1 1 1 1 1 1 1 0 0\n")).toBe(200);
  expect(() => busyCpuMs("intr 1 2 3\n")).toThrow(RangeError);
});

test("this machine has worked", () => {
  expect(machineCpuMs()).toBeGreaterThan(0);
});
