import { expect, test } from "bun:test";
import { benchSection } from "./readme.ts";
import { cellResult, Results } from "./results.ts";

test("the section has a row for each model and photograph, and says what it was measured with", () => {
  const sample = {
    cpuMs: 2,
    perSecond: 500,
    p50Ms: 10,
    p95Ms: 15,
    p99Ms: 20,
    residentMb: 100,
    generatorCores: 0.1,
    answers: 500,
    failures: {},
  };
  const about = { photograph: "256x256", connections: 0, seconds: 1, kind: "bare" } as const;
  const results = new Results([
    cellResult({ ...about, model: "resnet50" }, [sample, sample]),
    cellResult({ ...about, model: "mobilenet_v2" }, [sample, sample]),
  ]);
  const machine = { processor: "Z80", cores: 3, bun: "1.4.5", revision: "abc", at: "2026-11-21T00:00:00Z" };
  const section = benchSection({ results, photographs: [] }, machine);
  expect(section.match(/^\| \w+ \| 256x256 \|/gm)).toHaveLength(2);
  expect(section).toContain("Medians of 2 interleaved rounds");
  expect(section).toContain("(Z80, Bun 1.4.5, revision abc, 2026-11-21)");
});
