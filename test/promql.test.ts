import { expect, test } from "bun:test";
import { groupingLabelsOf, selectorsOf, seriesOf } from "./system/promql.ts";

const EXPRESSION = `sum by (le, stage) (rate(pinhole_stage_duration_seconds_bucket{instance=~"$i", stage!="total"}[5m]))
  / ignoring(stage) group_left up{job="pinhole"} > on (instance) nv_inference_count`;

test("reads the metrics of an expression with their matchers", () => {
  expect(selectorsOf(EXPRESSION)).toEqual([
    {
      metric: "pinhole_stage_duration_seconds_bucket",
      matchers: [
        { label: "instance", operator: "=~", value: "$i" },
        { label: "stage", operator: "!=", value: "total" },
      ],
    },
    { metric: "up", matchers: [{ label: "job", operator: "=", value: "pinhole" }] },
    { metric: "nv_inference_count", matchers: [] },
  ]);
});

test("reads the labels it groups by", () => {
  expect(groupingLabelsOf(EXPRESSION)).toEqual(["le", "stage", "stage", "instance"]);
});

test("reads the series of an exposition", () => {
  expect(seriesOf('# HELP a b\na 1\nb_total{x="1,}",y="z"} 2.5e-7\n')).toEqual([
    { metric: "a", labels: {} },
    { metric: "b_total", labels: { x: "1,}", y: "z" } },
  ]);
});
