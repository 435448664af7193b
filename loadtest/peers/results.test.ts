import { expect, test } from "bun:test";
import { plainTable } from "../bench/tables.ts";
import { failureTotal, medianSample, type NetworkResult, type PeerSample, rateRatio } from "./results.ts";
import { readmeRows, settingRows, terminalRows, warnings } from "./tables.ts";

const sample = (perSecond: number, overrides: Partial<PeerSample> = {}): PeerSample => ({
  perSecond,
  p50Ms: 20,
  p99Ms: 40,
  cpuMs: 3,
  residentMb: 200,
  generatorCores: 0.05,
  otherCores: 0.01,
  answers: perSecond * 6,
  failures: {},
  ...overrides,
});

const peer = (name: string, samples: PeerSample[], sameWork = true) => ({
  name,
  title: name.toUpperCase(),
  setting: "2 processes",
  agreement: name === "pinhole" ? null : { photographs: 16, sameFirst: sameWork ? 16 : 3, levelFirst: 16 },
  sameWork,
  median: medianSample(samples),
  samples,
});

const result = (...peers: ReturnType<typeof peer>[]): NetworkResult => ({
  network: "resnet50",
  photographs: { name: "256x256", count: 256, kilobytes: 13 },
  connections: 16,
  peers,
});

test("each figure is the median of the rounds, answers and failures are added up", () => {
  const found = medianSample([
    sample(100, { p99Ms: 50, failures: { "503": 2 } }),
    sample(300, { p99Ms: 10, failures: { "503": 1, connection: 4 } }),
    sample(200, { p99Ms: 30 }),
  ]);
  expect(found).toMatchObject({ perSecond: 200, p99Ms: 30, answers: 3600 });
  expect(found.failures).toEqual({ "503": 3, connection: 4 });
});

test("a round without answers has no latency", () => {
  const none = sample(0, { p50Ms: null, p99Ms: null, cpuMs: null });
  expect(medianSample([none, sample(10, { p50Ms: 7 })]).p50Ms).toBe(7);
  expect(medianSample([none]).p50Ms).toBeNull();
});

test("ratios are taken within a round", () => {
  const ours = peer("pinhole", [sample(200), sample(100), sample(400)]);
  const theirs = peer("x", [sample(100), sample(50), sample(100)]);
  expect(rateRatio(ours, theirs)).toBe(2);
  expect(rateRatio(ours, peer("dead", [sample(0), sample(0), sample(0)]))).toBeNull();
});

test("tables have a row for each server", () => {
  const rows = terminalRows(result(peer("pinhole", [sample(200)]), peer("x", [sample(100)])));
  const table = plainTable(rows, 2);
  expect(table.split("\n")).toHaveLength(3);
  expect(table).toMatch(/^PINHOLE .* 200 +– /m);
  expect(table).toMatch(/^X .* 100 +2\.00 .* 16 of 16$/m);
  expect(readmeRows(result(peer("x", [sample(100)])))).toEqual([
    ["server", "requests/s", "Pinhole's over it", "p50 ms", "p99 ms", "CPU ms", "MB"],
    ["X", "100", "–", "20.0", "40.0", "3.00", "200"],
  ]);
});

test("settings have a row each", () => {
  expect(settingRows([peer("x", [sample(100)])])[1]).toEqual([
    "2 processes",
    "100",
    "20.0",
    "40.0",
    "3.00",
    "200",
    "1%",
  ]);
});

test("whatever spoils a figure is said", () => {
  const good = result(peer("pinhole", [sample(200)]), peer("x", [sample(100)]));
  expect(warnings([good])).toEqual([]);
  expect(failureTotal([good])).toBe(0);
  const bad = result(
    peer("x", [sample(100, { failures: { fallback: 3 } })]),
    peer("y", [sample(100, { otherCores: 0.4 })]),
    peer("z", [sample(100)], false),
  );
  expect(failureTotal([good, bad])).toBe(3);
  const said = warnings([bad]);
  expect(said).toHaveLength(3);
  expect(said[0]).toContain("3 x fallback of 603 requests failed");
  expect(said[1]).toContain("something else took 40% of a core");
  expect(said[2]).toContain("names another class");
});
