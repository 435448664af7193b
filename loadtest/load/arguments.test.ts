import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { parseArguments, UsageError } from "./arguments.ts";

test("everything that can be asked for", () => {
  const argv =
    "steady --url http://server:8080/ --duration 5m --quick --report out --capacity 250.5 --segment 2/3";
  expect(parseArguments([...argv.split(" "), "--strict"])).toEqual({
    scenario: "steady",
    rest: [],
    url: "http://server:8080",
    seconds: 300,
    quick: true,
    reportDir: resolve("out"),
    capacity: 250.5,
    segment: { part: 2, parts: 3 },
    strict: true,
  });
});

test("nothing at all is asked for", () => {
  expect(parseArguments([])).toMatchObject({
    scenario: undefined,
    url: undefined,
    quick: false,
    strict: false,
  });
});

test.each([
  ["90s", 90],
  ["90", 90],
  ["1.5m", 90],
  ["1h", 3600],
])("--duration=%s is %d s", (text, seconds) => {
  expect(parseArguments(["soak", `--duration=${text}`]).seconds).toBe(seconds);
});

test.each([
  [["steady", "--fast"], "unknown option --fast"],
  [["steady", "--url"], "--url wants a value"],
  [["steady", "--url", "--quick"], "--url wants a value"],
  [["steady", "--url", "server:8080"], "--url wants http"],
  [["steady", "--duration", "soon"], "--duration wants a time"],
  [["steady", "--duration", "0s"], "--duration wants a time"],
  [["steady", "--capacity", "much"], "--capacity wants requests a second"],
  [["steady", "--capacity", "0"], "--capacity wants requests a second"],
  [["steady", "--segment", "3/2"], "--segment wants this machine's number"],
  [["steady", "--segment", "0/2"], "--segment wants this machine's number"],
  [["steady", "--segment", "1/2"], "--segment wants --url and --capacity"],
])("%p is a clear error", (argv, said) => {
  expect(() => parseArguments(argv)).toThrow(UsageError);
  expect(() => parseArguments(argv)).toThrow(said);
});
