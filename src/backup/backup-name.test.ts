import { expect, test } from "bun:test";
import { backupName, takenAt } from "./backup-name.ts";

test("a name tells when, in UTC, and sorts by age", () => {
  const instant = Date.UTC(2026, 10, 21, 3, 4, 5, 67);
  expect(backupName(instant)).toBe("pinhole-20261121T030405.067Z.tar.zst");
  expect(takenAt(backupName(instant))).toBe(instant);
  const names = [instant, instant + 1, instant + 86_400_000].map(backupName);
  expect([...names].reverse().sort()).toEqual(names);
});

test.each([
  "notes.txt",
  "pinhole-20261121T030405.067Z.tar.zst.part",
  "pinhole-20261321T030405.067Z.tar.zst",
  "../pinhole-20261121T030405.067Z.tar.zst",
  "",
])("no backup of ours: %p", (name) => {
  expect(takenAt(name)).toBeNull();
});
