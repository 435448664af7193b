import { expect, test } from "bun:test";
import { sampleRow } from "../../test/sample-row.ts";
import { aboveFloor, DiskFloorError } from "./disk-floor.ts";

test("writes while there is more than the floor, and reads whatever there is", () => {
  const written: string[] = [];
  let free = 11;
  const sink = {
    insertMany: (rows: readonly { id: string }[]) => void written.push(...rows.map(({ id }) => id)),
    byId: () => sampleRow(7),
  };
  const floored = aboveFloor(sink, { freeBytes: 10, read: () => free });
  floored.insertMany([sampleRow(1)]);
  free = 10;
  expect(() => floored.insertMany([sampleRow(2)])).toThrow(DiskFloorError);
  expect(floored.byId("x")).toEqual(sampleRow(7));
  free = 11;
  floored.insertMany([sampleRow(3)]);
  expect(written).toEqual([sampleRow(1).id, sampleRow(3).id]);
});
