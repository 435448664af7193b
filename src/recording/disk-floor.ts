import type { RecordSink } from "./recorder.ts";

/** There is less room than must be left to others: nothing is written. */
export class DiskFloorError extends Error {
  override readonly name = "DiskFloorError";
}

/**
 * Writes to a sink only while its disk has room, so that records are never what fills it: a full disk costs logs,
 * backups and other people's files as well.
 * @param floor.freeBytes the least that must stay free; with no more than this, writing throws
 * @param floor.read bytes that are free now; may throw, which is as good as none
 */
export function aboveFloor(sink: RecordSink, floor: { freeBytes: number; read: () => number }): RecordSink {
  return {
    insertMany(rows) {
      const free = floor.read();
      if (free <= floor.freeBytes)
        throw new DiskFloorError(`${free} bytes are free on the disk, no more than ${floor.freeBytes}`);
      return sink.insertMany(rows);
    },
    byId: (id) => sink.byId(id),
  };
}
