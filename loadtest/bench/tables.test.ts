import { expect, test } from "bun:test";
import { cellResult, Results, type Sample } from "./results.ts";
import { cellRows, digits, markdownTable, plainTable, promiseLines, ratio, summaryRows } from "./tables.ts";

test("figures have so many digits as they say something", () => {
  expect([1234.5, 123.45, 12.345, 1.2345, 0.12345].map((value) => digits(value, 3))).toEqual([
    "1235",
    "123",
    "12.3",
    "1.23",
    "0.12",
  ]);
  expect(digits(null, 3)).toBe("–");
  expect([0.8567, 3, 18.23].map(ratio)).toEqual(["0.86", "3.00", "18.2"]);
});

test("columns are as wide as they must be, numbers to the right", () => {
  expect(
    plainTable(
      [
        ["what", "ms"],
        ["a", "1.5"],
        ["longer", "12"],
      ],
      1,
    ),
  ).toBe("what     ms\na       1.5\nlonger   12");
});

test("a table in Markdown has its rule", () => {
  expect(
    markdownTable(
      [
        ["what", "ms"],
        ["a", "1"],
      ],
      1,
    ),
  ).toBe("| what | ms |\n| --- | ---: |\n| a | 1 |");
});

const sample = (cpuMs: number, perSecond: number): Sample => ({
  cpuMs,
  perSecond,
  p50Ms: 10,
  p95Ms: 15,
  p99Ms: 20,
  residentMb: 150,
  generatorCores: 0.12,
  answers: 500,
  failures: { 503: 2 },
});
const about = { model: "mobilenet_v3_small", photograph: "256x256", seconds: 1 } as const;
const results = new Results([
  cellResult({ ...about, kind: "bare", connections: 0 }, [sample(2, 900)]),
  cellResult({ ...about, kind: "raw", connections: 16 }, [sample(2.5, 700)]),
]);

test("every cell is a row with its failures", () => {
  const [headings, bare, raw] = cellRows(results);
  expect(bare!.slice(0, 4)).toEqual(["mobilenet_v3_small", "256x256", "bare", "–"]);
  expect(raw![headings!.indexOf("failed")]).toBe("2 x 503");
  expect(raw![headings!.indexOf("generator")]).toBe("12%");
});

test("the summary has the ratio first and leaves open what was not measured", () => {
  const photographs = [{ name: "256x256", files: [], kilobytes: 13.1 }] as const;
  const [, row] = summaryRows(results, photographs);
  expect(row).toEqual([
    "mobilenet_v3_small",
    "256x256, 13 kB",
    "0.80",
    "2.00",
    "2.50",
    "700",
    "10.0",
    "15.0",
    "20.0",
    "–",
    "–",
    "150",
  ]);
});

test("promises are listed as far as they were measured", () => {
  const lines = promiseLines(results.promises);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("0.80  bare / server CPU");
});
