import { expect, test } from "bun:test";
import { parseJunit } from "./junit.ts";

test("counts cases one by one, nested suites included", () => {
  const report = parseJunit(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="99" failures="0">
  <testsuite name="a.test.ts" file="a.test.ts" tests="4">
    <testsuite name="g" file="a.test.ts" line="2">
      <testcase name="fine" classname="g" time="0.1" file="a.test.ts" line="2" assertions="0" />
      <testcase name="says &quot;a &gt; b&quot; &#10;" classname="g" file="a.test.ts">
        <failure type="AssertionError" message="no">at a.test.ts</failure>
      </testcase>
    </testsuite>
    <testcase name="left out" file="a.test.ts"><skipped /></testcase>
    <testcase name="later" file="a.test.ts"><skipped message="TODO" /></testcase>
    <testcase name="with output" file="a.test.ts"><system-out>failure</system-out></testcase>
  </testsuite>
</testsuites>`);
  expect(report).toMatchObject({ passed: 2, failed: 1 });
  expect(report.failures).toEqual(['a.test.ts > says "a > b" \n']);
  expect(report.skipped).toEqual(["a.test.ts > left out", "a.test.ts > later"]);
  expect([...report.files]).toEqual(["a.test.ts"]);
});

test("an error counts as a failure", () => {
  const report = parseJunit(
    '<testsuites><testsuite><testcase name="x"><error>no</error></testcase></testsuite></testsuites>',
  );
  expect(report).toMatchObject({ passed: 0, failed: 1, failures: ["x"] });
});

test("what is no report is refused", () => {
  expect(() => parseJunit("Segmentation fault")).toThrow("not a JUnit report");
});
