import { describe, expect, test } from "bun:test";
import { countsOf, type MetricSnapshot, mergeMetrics } from "./merge-metrics.ts";

const metric = (name: string, type: string, values: [number, Record<string, string>?][]): MetricSnapshot => ({
  name,
  help: "",
  type,
  values: values.map(([value, labels = {}]) => ({ value, labels })),
});
const valuesOf = (merged: MetricSnapshot[]) =>
  merged.flatMap(({ name, values }) => values.map(({ value, labels }) => [name, labels, value]));

describe("mergeMetrics", () => {
  test("adds counters up by their labels, whatever order those stand in", () => {
    const one = [
      metric("a_total", "counter", [
        [1, { x: "1", y: "2" }],
        [5, { x: "2", y: "2" }],
      ]),
    ];
    const two = [metric("a_total", "counter", [[2, { y: "2", x: "1" }]])];
    expect(valuesOf(mergeMetrics([one, two]))).toEqual([
      ["a_total", { x: "1", y: "2" }, 3],
      ["a_total", { x: "2", y: "2" }, 5],
    ]);
    expect(one[0]!.values[0]!.value).toBe(1);
  });

  test("keeps the parts of a histogram apart", () => {
    const histogram: MetricSnapshot = {
      name: "h",
      help: "",
      type: "histogram",
      values: [
        { value: 1, labels: { le: 0.1 }, metricName: "h_bucket" },
        { value: 0.05, labels: {}, metricName: "h_sum" },
        { value: 1, labels: {}, metricName: "h_count" },
      ],
    };
    const merged = mergeMetrics([[histogram], [histogram]])[0]!;
    expect(merged.values.map(({ metricName, value }) => [metricName, value])).toEqual([
      ["h_bucket", 2],
      ["h_sum", 0.1],
      ["h_count", 2],
    ]);
  });

  test("takes gauges by what they are", () => {
    const snapshot = (value: number) =>
      ["pinhole_held_bytes", "pinhole_ready", "pinhole_disk_free_bytes"].map((name) =>
        metric(name, "gauge", [[value]]),
      );
    expect(valuesOf(mergeMetrics([snapshot(3), snapshot(4)])).map(([, , value]) => value)).toEqual([7, 4, 3]);
  });

  test("takes once what the supervisor tells all", () => {
    const told = [metric("pinhole_rate_limit_requests_total", "counter", [[7]])];
    expect(valuesOf(mergeMetrics([told, told]))).toEqual([["pinhole_rate_limit_requests_total", {}, 7]]);
  });

  test("takes what only some have", () => {
    expect(mergeMetrics([[], [metric("pinhole_disk_free_bytes", "gauge", [[1]])], []])).toHaveLength(1);
    expect(mergeMetrics([])).toEqual([]);
  });
});

test("of a process that has ended its own counts stay", () => {
  const left = countsOf([
    metric("a_total", "counter", [[1]]),
    metric("h", "histogram", [[1]]),
    metric("pinhole_held_bytes", "gauge", [[1]]),
    metric("pinhole_process_restarts_total", "counter", [[1]]),
  ]);
  expect(left.map(({ name }) => name)).toEqual(["a_total", "h"]);
});
