import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import {
  isScenario,
  meanOffered,
  offeredAt,
  SCENARIOS,
  type Scenario,
  type ScenarioName,
} from "./catalogue.ts";
import { LIMITS, thresholdsOf } from "./thresholds.ts";

const NAMES = Object.keys(SCENARIOS) as ScenarioName[];

describe.each(NAMES)("%s", (name) => {
  const scenario: Scenario = SCENARIOS[name];

  test("has a script of its name, and what it answers on one line", async () => {
    const path = new URL(`scenarios/${name}.ts`, import.meta.url).pathname;
    expect(existsSync(path)).toBe(true);
    expect(await Bun.file(path).text()).toContain(`new Run("${name}")`);
    expect(scenario.question).toMatch(/^[A-Z][^\n]{20,110}[.?]$/);
  });

  test("its profile runs from beginning to end", () => {
    if (scenario.profile === null) return;
    const at = scenario.profile.map(([share]) => share);
    expect(at.at(0)).toBe(0);
    expect(at.at(-1)).toBe(1);
    expect(at).toEqual(at.toSorted((a, b) => a - b));
  });

  test("counts errors and forbids fallback answers", () => {
    const thresholds = thresholdsOf(name, scenario, { capacity: 100, share: 1, strict: false });
    expect(thresholds.errors).toEqual([name === "smoke" ? "rate==0" : `rate<${LIMITS.errorRate}`]);
    expect(thresholds.fallback_answers).toEqual(["count<=0"]);
    expect(thresholds.answer_ms).toBeUndefined();
  });
});

test("where latency matters, no more than 70% of the capacity is offered", () => {
  const scenarios: Scenario[] = Object.values(SCENARIOS);
  const offered = scenarios
    .filter(({ latencyMatters }) => latencyMatters)
    .map(({ profile }) => Math.max(...(profile ?? []).map(([, share]) => share)));
  expect(offered.length).toBeGreaterThan(0);
  expect(Math.max(...offered)).toBeLessThanOrEqual(0.7);
});

test("absolute times are enforced where somebody asks for it", () => {
  const strict = { capacity: 100, share: 1, strict: true };
  expect(thresholdsOf("steady", SCENARIOS.steady, strict).answer_ms).toEqual(["p(95)<200", "p(99)<500"]);
  expect(thresholdsOf("breakpoint", SCENARIOS.breakpoint, strict).answer_ms).toBeUndefined();
});

test("half of the load needs half of the clients and requests", () => {
  const whole = thresholdsOf("steady", SCENARIOS.steady, { capacity: 100, share: 1, strict: false });
  const half = thresholdsOf("steady", SCENARIOS.steady, { capacity: 100, share: 0.5, strict: false });
  expect([whole.http_reqs, half.http_reqs]).toEqual([["rate>=16.667"], ["rate>=8.333"]]);
  expect([whole.vus_max, half.vus_max]).toEqual([["value>=100"], ["value>=50"]]);
  expect([whole.dropped_iterations, half.dropped_iterations]).toEqual([["rate<3.5"], ["rate<1.75"]]);
});

test("the offered load is straight between the points, and jumps where two stand at one place", () => {
  const { profile } = SCENARIOS.spike;
  expect([0, 0.2, 0.4, 0.6, 1].map((at) => offeredAt(profile, at))).toEqual([0.3, 0.3, 3, 0.3, 0.3]);
  expect(offeredAt(SCENARIOS.breakpoint.profile, 0.5)).toBeCloseTo(1.1);
  expect(meanOffered(SCENARIOS.breakpoint.profile)).toBeCloseTo(1.1);
  expect(meanOffered(profile)).toBeCloseTo(0.85 * 0.3 + 0.15 * 3);
});

test("names that JavaScript knows are no scenarios", () => {
  expect(isScenario("toString")).toBe(false);
  expect(isScenario("steady")).toBe(true);
});
