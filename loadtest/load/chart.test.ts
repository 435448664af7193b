import { expect, test } from "bun:test";
import { type Chart, chartHtml, ticksTo } from "./chart.ts";

const chart: Chart = {
  title: "Requests <per> second",
  kind: "lines",
  seconds: [1, 3],
  duration: 4,
  series: [{ name: "a", colour: "red", values: [50, 100] }],
  format: (value) => `${value}/s`,
};

test.each([
  [0, [0, 1]],
  [7, [0, 2, 4, 6, 8]],
  [100, [0, 25, 50, 75, 100]],
  [0.3, [0, 0.1, 0.2, 0.3]],
  [3.5e8, [0, 1e8, 2e8, 3e8, 4e8]],
])("the axis up to %p has round numbers", (top, ticks) => {
  expect(ticksTo(top)).toEqual(ticks);
});

test("a line goes where its values say, from below to above and from left to right", () => {
  expect(chartHtml(chart)).toContain('d="M250 150L750 0"');
});

test("layers stand on each other, the first on the ground", () => {
  const series = [
    { name: "a", colour: "red", values: [25, 25] },
    { name: "b", colour: "blue", values: [25, 75] },
  ];
  const html = chartHtml({ ...chart, kind: "layers", series });
  expect(html).toContain('style="fill:red" d="M250 225L750 225L750 300L250 300Z"');
  expect(html).toContain('style="fill:blue" d="M250 150L750 0L750 225L250 225Z"');
});

test("a gap is skipped, a series of zeros left out, and a lone one is not", () => {
  const gap = { name: "gap", colour: "blue", values: [null, 100] };
  const zeros = { name: "zeros", colour: "green", values: [0, null] };
  const html = chartHtml({ ...chart, series: [gap, zeros] });
  expect(html).toContain('d="M750 0"');
  expect(html).not.toContain("zeros");
  expect(chartHtml({ ...chart, series: [zeros] })).toContain("zeros");
});

test("every word is escaped, and every instant says its values on hover", () => {
  const html = chartHtml(chart);
  expect(html).toContain("Requests &#60;per&#62; second");
  expect(html).toContain("<title>3.0 s\na: 100/s</title>");
});

test("a limit far above everything does not press the plot flat", () => {
  const far = chartHtml({ ...chart, marks: [{ name: "limit", values: 1000 }] });
  const near = chartHtml({ ...chart, marks: [{ name: "limit", values: 200 }] });
  expect(far).toContain("100/s</span>");
  expect(far).not.toContain("1000/s</span>");
  expect(near).toContain("200/s</span>");
});

test("a long time is in minutes", () => {
  const axis = (duration: number) =>
    [...chartHtml({ ...chart, duration }).matchAll(/left:([\d.]+%)">([^<]+)</g)].map(([, at, word]) => [
      at,
      word,
    ]);
  expect(axis(4).slice(0, 3)).toEqual([
    ["0%", "0 s"],
    ["25%", "1 s"],
    ["50%", "2 s"],
  ]);
  expect(axis(1200)).toEqual([
    ["0%", "0 min"],
    ["25%", "5 min"],
    ["50%", "10 min"],
    ["75%", "15 min"],
    ["100%", "20 min"],
  ]);
});
