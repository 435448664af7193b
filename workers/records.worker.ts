import type { FromRecordThread, ToRecordThread } from "../db/record-thread.ts";
import { RecordWriter } from "../db/record-writer.ts";
import { isBusy } from "../db/store-failure.ts";
import type { PredictionRow } from "../src/recording/row.ts";
import { Trouble } from "../src/recording/trouble.ts";

/** A checkpoint waits for the disk: not after each transaction, and soon enough for the log to stay small. */
const CHECKPOINT_MS = 1000;

/**
 * The thread that writes records, and folds the database's write-ahead log. It does not stand back: it must keep up with
 * those that make records.
 */
declare const self: Worker;

let handle: (message: ToRecordThread) => void = begin;

self.onmessage = ({ data }: MessageEvent<ToRecordThread>) => handle(data);

function begin(message: ToRecordThread): void {
  if (message.kind !== "begin") process.exit(0);
  const writer = new RecordWriter(message.path);
  const trouble = new Trouble({
    onBegin: (error) => tell({ kind: "trouble", cause: String(error) }),
    onEnd: () => tell({ kind: "well" }),
  });
  let isFolded = true;
  setInterval(() => {
    if (isFolded) return;
    void trouble.try(() => {
      writer.checkpoint();
      isFolded = true;
    });
  }, CHECKPOINT_MS);
  handle = (next) => {
    if (next.kind !== "insert") process.exit(0);
    insert(writer, JSON.parse(next.rows) as PredictionRow[], message.slowQueryMs);
    isFolded = false;
  };
}

function insert(writer: RecordWriter, rows: readonly PredictionRow[], slowQueryMs: number): void {
  const from = performance.now();
  let waitedInVain = false;
  try {
    writer.insertMany(rows);
    tell({ kind: "inserted" });
  } catch (error) {
    waitedInVain = isBusy(error);
    const code = error instanceof Error && "code" in error ? String(error.code) : null;
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error), code });
  }
  const durationMs = performance.now() - from;
  if (durationMs >= slowQueryMs && !waitedInVain)
    tell({ kind: "slow", name: "predictions.insertMany", durationMs });
}

function tell(message: FromRecordThread): void {
  self.postMessage(message);
}
