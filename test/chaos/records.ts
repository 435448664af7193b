import { Database } from "bun:sqlite";
import { join } from "node:path";

/** What the database holds in the end, read when the server has gone. */
export interface Records {
  ids: ReadonlySet<string>;
  /** "ok", or what `PRAGMA integrity_check` found. */
  integrity: string;
  /** Rows of an answered request that lack a part of the answer. */
  half: number;
}

export function readRecords(dataDir: string): Records {
  const database = new Database(join(dataDir, "pinhole.sqlite"), { readonly: true });
  try {
    const rows = database.query<{ id: string }, []>("SELECT id FROM predictions").all();
    const [integrity] = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check").all();
    const half = database
      .query<{ n: number }, []>(
        "SELECT count(*) AS n FROM predictions WHERE error IS NULL AND (class_id IS NULL OR prob IS NULL) OR json_valid(timings) = 0",
      )
      .get();
    return {
      ids: new Set(rows.map(({ id }) => id)),
      integrity: integrity?.integrity_check ?? "no answer",
      half: half?.n ?? 0,
    };
  } finally {
    database.close();
  }
}
