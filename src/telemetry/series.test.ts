import { expect, test } from "bun:test";
import * as prom from "prom-client";
import { Counter, Histogram } from "./series.ts";

const buckets = [0.1, 0.5, 1];
const VALUES = [0.05, 0.1, 0.3, 1, 1.5, 40];

/** The same counted by prom-client's own and by ours. */
async function both() {
  const registries = [new prom.Registry(), new prom.Registry()];
  const about = { help: "h" };
  const theirs = { ...about, registers: [registries[0]!] };
  const ours = { ...about, registry: registries[1]! };
  const theirCounter = new prom.Counter({ ...theirs, name: "c_total", labelNames: ["a", "b"] });
  const theirHistogram = new prom.Histogram({ ...theirs, name: "h_seconds", labelNames: ["a"], buckets });
  const counter = new Counter({ ...ours, name: "c_total" });
  const histogram = new Histogram({ ...ours, name: "h_seconds", buckets });
  for (const labels of [
    { a: 'x"\n', b: "y" },
    { a: "x", b: "z" },
  ]) {
    for (const by of [1, 0, 2.5]) {
      theirCounter.inc(labels, by);
      counter.labels(labels).inc(by);
    }
  }
  for (const [index, value] of VALUES.entries()) {
    const labels = { a: index % 2 ? "odd" : "even" };
    theirHistogram.observe(labels, value);
    histogram.labels(labels).observe(value);
  }
  return registries;
}

test("counters and histograms are exposed as prom-client exposes its own", async () => {
  const [theirs, ours] = await both();
  const lines = async (registry: prom.Registry) => (await registry.metrics()).split("\n");
  expect(await lines(ours!)).toEqual(await lines(theirs!));
});

test("several processes' are added up as prom-client's own", async () => {
  const [theirs, ours] = await both();
  const summed = async (registry: prom.Registry) => {
    const json = await registry.getMetricsAsJSON();
    return (await prom.AggregatorRegistry.aggregate([json, json]).metrics()).split("\n").sort();
  };
  expect(await summed(ours!)).toEqual(await summed(theirs!));
});

test("a series is there at zero once it is named", async () => {
  const registry = new prom.Registry();
  new Counter({ name: "c_total", help: "h", registry }).labels({ a: "x" });
  new Histogram({ name: "h_seconds", help: "h", registry, buckets: [1] }).labels({});
  const text = await registry.metrics();
  expect(text).toContain('c_total{a="x"} 0');
  expect(text).toContain('h_seconds_bucket{le="+Inf"} 0');
});
