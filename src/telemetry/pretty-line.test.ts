import { expect, test } from "bun:test";
import { prettyLine } from "./pretty-line.ts";

const entry = (fields: object) =>
  `${JSON.stringify({ level: "info", time: "2026-11-21T11:20:31.123Z", service: "pinhole", ...fields })}\n`;

test("a line of a request", () => {
  const line = entry({ stream: "access", method: "GET", route: "/health", status: 200, msg: "request" });
  expect(prettyLine(line, false)).toBe(
    "11:20:31.123 INFO  [access] request method=GET route=/health status=200\n",
  );
});

test("texts with blanks are quoted, objects are JSON, nothing can break the line", () => {
  const line = entry({ stream: "server", msg: "x", text: "a b", forged: "a\nINFO b", object: { a: 1 } });
  expect(prettyLine(line, false)).toBe(
    '11:20:31.123 INFO  x text="a b" forged="a\\nINFO b" object={"a":1}\n',
  );
});

test("the stack of an error stands below", () => {
  const err = { type: "Error", message: "why", stack: "Error: why\n    at run (a.ts:1:2)" };
  const line = entry({ level: "error", stream: "error", err, msg: "it failed" });
  expect(prettyLine(line, false)).toBe(
    "11:20:31.123 ERROR it failed\n    Error: why\n        at run (a.ts:1:2)\n",
  );
});

test("colours where the terminal has them", () => {
  const line = prettyLine(entry({ level: "warn", msg: "x" }), true);
  expect(line).toContain("\x1b[33mWARN \x1b[0m x");
});

test.each(["", "no JSON\n", "7\n", '"text"\n', "null\n"])("%p stays as it is", (line) => {
  expect(prettyLine(line, false)).toBe(line);
});
