import { expect, test } from "bun:test";
import { VERSION_PATTERN } from "../model-repository/manifest.ts";
import { becomesNewest, optimisedVersion } from "./version.ts";

test("a new version stands below its source, so that nobody is served it unasked", () => {
  const first = optimisedVersion("1.2.3", "speed", ["1.2.3"]);
  expect([first, optimisedVersion("1.2.3", "size", ["1.2.3"])]).toEqual(["1.2.3-int8", "1.2.3-float16"]);
  const second = optimisedVersion("1.2.3", "speed", ["1.2.3", first]);
  expect(second).toBe("1.2.3-int8.2");
  for (const version of [first, second]) {
    expect(version).toMatch(new RegExp(VERSION_PATTERN));
    expect([becomesNewest(version, ["1.2.3"]), becomesNewest(version, ["1.2.2"])]).toEqual([false, true]);
  }
});

test("a build is not part of it, and a pre-release has nothing below it", () => {
  expect(optimisedVersion("1.0.0+abc", "speed", [])).toBe("1.0.0-int8");
  expect(() => optimisedVersion("1.0.0-rc.1", "speed", [])).toThrow("--version");
});
