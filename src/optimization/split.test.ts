import { describe, expect, test } from "bun:test";
import { type Candidate, type SplitOptions, split } from "./split.ts";

const OPTIONS: SplitOptions = { seed: 1, byFolder: true, subject: null, verify: 2000 };

/** So many photographs of so many classes, a few of each subject. */
function leaves(count: number, { classes = 5, each = 3 } = {}): Candidate[] {
  return Array.from({ length: count }, (_, index) => {
    const subject = Math.floor(index / each);
    return { file: `class-${subject % classes}/leaf${subject}_${index}.jpg`, digest: String(index) };
  });
}

describe("the division of photographs", () => {
  test("puts each into one part and none into two, the same way each time", () => {
    const candidates = leaves(600);
    const parts = split(candidates, OPTIONS);
    const all = Object.values(parts).flat();
    expect(all.sort()).toEqual(candidates.map(({ file }) => file).sort());
    expect(split(candidates.toReversed(), OPTIONS)).toEqual(parts);
    expect(split(candidates, { ...OPTIONS, seed: 2 })).not.toEqual(parts);
    expect([parts.calibration.length, parts.search.length, parts.verification.length]).toEqual([
      180, 120, 300,
    ]);
  });

  test("keeps the photographs of a subject together", () => {
    const subject = /^(.*)_/;
    const parts = split(leaves(600), { ...OPTIONS, subject });
    const subjects = [parts.calibration, parts.search, parts.verification].map(
      (files) => new Set(files.map((file) => subject.exec(file)![1])),
    );
    expect(subjects.map(({ size }) => size > 30)).toEqual([true, true, true]);
    expect(new Set(subjects.flatMap((each) => [...each])).size).toBe(200);
    expect(subjects.reduce((sum, { size }) => sum + size, 0)).toBe(200);
  });

  test("deals every folder out", () => {
    const { calibration } = split(leaves(600), OPTIONS);
    const byFolder = Map.groupBy(calibration, (file) => file.split("/")[0]);
    expect([...byFolder.values()].map((files) => files.length)).toEqual([36, 36, 36, 36, 36]);
  });

  test("has each picture once, and no more than wanted", () => {
    const copies = leaves(3000).map(({ file }, index) => ({ file, digest: String(index % 2500) }));
    const parts = split(copies, { ...OPTIONS, verify: 700 });
    const used = [...parts.calibration, ...parts.search, ...parts.verification];
    const digests = new Map(copies.map(({ file, digest }) => [file, digest]));
    expect(new Set(used.map((file) => digests.get(file))).size).toBe(used.length);
    expect([parts.calibration.length, parts.search.length]).toEqual([300, 200]);
    expect(Math.abs(parts.verification.length - 700)).toBeLessThan(10);
    expect(used.length + parts.unused.length).toBe(3000);
  });

  test("of too few says how many are needed, copies not counted", () => {
    const copies = leaves(400).map(({ file }, index) => ({ file, digest: String(index % 150) }));
    expect(() => split(copies, OPTIONS)).toThrow("200 different photographs are needed");
    expect(() => split(copies, OPTIONS)).toThrow("there are 150");
    expect(split(leaves(200), OPTIONS).verification.length).toBeGreaterThanOrEqual(90);
  });

  test("of one subject only they cannot be divided", () => {
    expect(() => split(leaves(400), { ...OPTIONS, byFolder: false, subject: /(leaf)/ })).toThrow(
      "too few subjects",
    );
  });
});
