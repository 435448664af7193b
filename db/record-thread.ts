import type { RecordSink } from "../src/recording/recorder.ts";
import type { PredictionRow } from "../src/recording/row.ts";

/** To the thread: once where the database is; rows as JSON, which costs less than to have them cloned; to leave. */
export type ToRecordThread =
  | { kind: "begin"; path: string; slowQueryMs: number }
  | { kind: "insert"; rows: string }
  | { kind: "leave" };

/** From it: what became of the rows sent first of those not answered yet, and how checkpoints do. */
export type FromRecordThread =
  | { kind: "inserted" }
  | { kind: "failed"; message: string; code: string | null }
  | { kind: "slow"; name: string; durationMs: number }
  | { kind: "trouble"; cause: string }
  | { kind: "well" };

export interface RecordThreadOptions {
  /** Entry point of the thread. */
  worker: URL;
  /** Of the database. */
  path: string;
  /** Where rows are looked up, and written once the thread is gone. */
  predictions: { insertMany(rows: readonly PredictionRow[]): void; byId(id: string): PredictionRow | null };
  slowQueryMs: number;
  onSlowQuery(query: { name: string; durationMs: number }): void;
  /** Told when checkpoints begin to fail, and when they are well again. */
  onTrouble(cause: string): void;
  onRecovery(): void;
  /** The thread has ended and was not asked to. */
  onGone(): void;
}

/** How long whoever closes waits for a checkpoint that runs. */
const FAREWELL_MS = 2000;

/** A store that failed in the thread: what SQLite said, with its code. */
class ThreadStoreError extends Error {
  override readonly name = "ThreadStoreError";
  readonly code: string | null;

  constructor(message: string, code: string | null) {
    super(message);
    this.code = code;
  }
}

/** Writes records in a thread of its own: this end of it. */
export class RecordThread implements RecordSink {
  readonly #options: RecordThreadOptions;
  readonly #thread: Worker;
  readonly #ended = Promise.withResolvers<void>();
  /** Rows on their way, first come first. */
  readonly #onTheWay: PromiseWithResolvers<void>[] = [];
  #isGone = false;
  #leaving = false;

  constructor(options: RecordThreadOptions) {
    this.#options = options;
    const { worker, path, slowQueryMs } = options;
    this.#thread = new Worker(worker, { smol: true });
    // It keeps no process alive.
    this.#thread.unref();
    this.#thread.onmessage = ({ data }: MessageEvent<FromRecordThread>) => this.#hear(data);
    this.#thread.onerror = (event) => event.preventDefault();
    this.#thread.addEventListener("close", () => this.#end());
    this.#post({ kind: "begin", path, slowQueryMs });
  }

  insertMany(rows: readonly PredictionRow[]): void | Promise<void> {
    if (this.#isGone) return this.#options.predictions.insertMany(rows);
    const written = Promise.withResolvers<void>();
    this.#onTheWay.push(written);
    this.#post({ kind: "insert", rows: JSON.stringify(rows) });
    return written.promise;
  }

  byId(id: string): PredictionRow | null {
    return this.#options.predictions.byId(id);
  }

  /** Asks the thread to leave once it has written what is on its way, and waits for that, though not for long. */
  async close(): Promise<void> {
    this.#leaving = true;
    this.#post({ kind: "leave" });
    await Promise.race([this.#ended.promise, Bun.sleep(FAREWELL_MS)]);
  }

  #post(message: ToRecordThread): void {
    this.#thread.postMessage(message);
  }

  #hear(message: FromRecordThread): void {
    const { onSlowQuery, onTrouble, onRecovery } = this.#options;
    if (message.kind === "inserted") this.#onTheWay.shift()?.resolve();
    else if (message.kind === "failed")
      this.#onTheWay.shift()?.reject(new ThreadStoreError(message.message, message.code));
    else if (message.kind === "slow") onSlowQuery({ name: message.name, durationMs: message.durationMs });
    else if (message.kind === "trouble") onTrouble(message.cause);
    else onRecovery();
  }

  #end(): void {
    this.#isGone = true;
    // Whether they were written is not known; to write a row twice does no harm.
    for (const written of this.#onTheWay.splice(0))
      written.reject(new ThreadStoreError("the thread that writes records has ended", "SQLITE_INTERRUPT"));
    this.#ended.resolve();
    if (!this.#leaving) this.#options.onGone();
  }
}
