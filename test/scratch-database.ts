import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DatabaseOptions, openDatabase, type PinholeDatabase } from "../db/connection.ts";
import { migrate } from "../db/migrate.ts";
import { systemClock } from "../src/clock.ts";

/** A migrated database in a directory of its own, gone with `using`. */
export class ScratchDatabase implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), "pinhole-db-"));
  readonly path = join(this.dir, "data", "pinhole.sqlite");
  readonly database: PinholeDatabase;

  constructor(options: Partial<DatabaseOptions> = {}) {
    this.database = this.open(options);
    migrate(this.database);
  }

  /** Another connection to the same file. */
  open(options: Partial<DatabaseOptions> = {}): PinholeDatabase {
    const quiet = { clock: systemClock, slowQueryMs: 60_000, onSlowQuery: () => undefined };
    return openDatabase(this.path, { ...quiet, ...options });
  }

  [Symbol.dispose](): void {
    try {
      this.database.close();
    } finally {
      rmSync(this.dir, { recursive: true, force: true });
    }
  }
}
