import { writeSync } from "node:fs";
import { systemClock } from "../src/clock.ts";
import type { PredictionRow } from "../src/recording/row.ts";
import { WriteBehindRecorder } from "../src/recording/write-behind.ts";
import { sampleRow } from "../test/sample-row.ts";
import { openDatabase } from "./connection.ts";
import { migrate } from "./migrate.ts";
import { Predictions } from "./predictions.ts";

/**
 * Records rows without end, as the server does, and prints the number of each row once it is written. The test
 * kills this process. Arguments: path of the database, number of the first row.
 */
if (import.meta.main) {
  const [path = "", first = "0"] = process.argv.slice(2);
  const database = openDatabase(path, {
    clock: systemClock,
    slowQueryMs: 60_000,
    onSlowQuery: () => undefined,
  });
  migrate(database);
  const predictions = new Predictions(database);
  const sink = {
    insertMany(rows: readonly PredictionRow[]) {
      predictions.insertMany(rows);
      writeSync(1, rows.map(({ id }) => `${Number.parseInt(id, 16)}\n`).join(""));
    },
    byId: (id: string) => predictions.byId(id),
  };
  const recorder = new WriteBehindRecorder({
    sink,
    bufferRows: 10_000,
    flushIntervalMs: 1,
    clock: systemClock,
  });
  for (let n = Number(first); ; n++) {
    recorder.record(sampleRow(n));
    if (n % 50 === 0) await Bun.sleep(0);
  }
}
