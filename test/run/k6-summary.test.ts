import { expect, test } from "bun:test";
import { parseK6Summary } from "./k6-summary.ts";

const summary = (checks: object, metrics: object) =>
  JSON.stringify({ root_group: { checks: {}, groups: { predict: { groups: {}, checks } } }, metrics });

test("each check and each threshold is one test", () => {
  const good = { path: "::predict::status is 200", passes: 20, fails: 0 };
  const bad = { path: "::predict::no fallback", passes: 19, fails: 1 };
  const metrics = {
    checks: { passes: 39, thresholds: { "rate==1": true } },
    http_req_failed: { thresholds: { "rate==0": false } },
    http_reqs: { count: 20 },
  };
  expect(parseK6Summary(summary({ good, bad }, metrics))).toMatchObject({
    passed: 2,
    failed: 2,
    failures: ["check ::predict::no fallback: 1 of 20 failed", "threshold checks: rate==1"],
  });
});

test("a check that was never reached has failed", () => {
  expect(parseK6Summary(summary({ never: { path: "x", passes: 0, fails: 0 } }, {})).failed).toBe(1);
});
