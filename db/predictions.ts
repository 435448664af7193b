import { and, desc, eq, gte, inArray, lt, lte, type SQL, sql } from "drizzle-orm";
import type { ConfidenceStatus } from "../src/inference/prediction.ts";
import type { Outcome, PredictionRow } from "../src/recording/row.ts";
import type { PinholeDatabase } from "./connection.ts";
import { decodeCursor, encodeCursor, NEWEST } from "./cursor.ts";
import { insertStatement } from "./record-writer.ts";
import { predictions } from "./schema.ts";

/** Which rows; all that are given must hold. */
export interface PredictionFilter {
  /** Name of the model, any version. */
  modelName?: string;
  confidence?: ConfidenceStatus;
  outcome?: Outcome;
}

export interface PredictionPage {
  /** Newest first. */
  rows: PredictionRow[];
  /** Cursor of the next page; null when this is the last. */
  next: string | null;
}

type Statements = ReturnType<typeof prepare>;
type PageStatement = ReturnType<typeof preparePage>;

/** The table of predictions. Every statement is prepared once; the indexes it uses are proven in the test. */
export class Predictions {
  readonly #database: PinholeDatabase;
  readonly #statements: Statements;
  readonly #insert: ReturnType<typeof insertStatement>;
  readonly #pages = new Map<string, PageStatement>();

  /** @param database migrated */
  constructor(database: PinholeDatabase) {
    this.#database = database;
    this.#statements = prepare(database);
    this.#insert = insertStatement(database.sqlite);
  }

  /** Writes all or none. A row whose id is already there is left as it is. */
  insertMany(rows: readonly PredictionRow[]): void {
    this.#database.write("predictions.insertMany", () => {
      for (const row of rows) this.#insert.run(row);
    });
  }

  /** Who was there on which UTC day (days since the epoch) since an instant (ms since the epoch), each once. */
  clientDaysSince(instant: number): { clientHash: string; day: number }[] {
    return this.#database.timed("predictions.clientDaysSince", () =>
      this.#statements.clientDays.all({ instant }),
    );
  }

  byId(id: string): PredictionRow | null {
    return this.#database.timed("predictions.byId", () => this.#statements.byId.get({ id })) ?? null;
  }

  /**
   * One page, newest first, rows of the same ms by id.
   * @param request.limit rows, at least 1
   * @param request.cursor `next` of the page before; null for the first
   * @throws {PinholeError} VALIDATION_FAILED for a cursor that is none
   */
  page(request: { limit: number; cursor: string | null; filter?: PredictionFilter }): PredictionPage {
    const { limit, cursor, filter = {} } = request;
    const after = cursor === null ? NEWEST : decodeCursor(cursor);
    const statement = this.#page(filter);
    const rows = this.#database.timed("predictions.page", () =>
      // One more than asked for tells whether there is another page.
      statement.all({ ...filter, createdAt: after.createdAt, id: after.id, limit: limit + 1 }),
    );
    if (rows.length <= limit) return { rows, next: null };
    rows.pop();
    return { rows, next: encodeCursor(rows[limit - 1]!) };
  }

  /**
   * How many rows there are, without counting them: exact as long as retention deletes the oldest, and never
   * too low.
   */
  countAtMost(): number {
    const { first, last } =
      this.#database.timed("predictions.count", () => this.#statements.span.get()) ?? {};
    return first == null || last == null ? 0 : last - first + 1;
  }

  /**
   * Deletes predictions made before an instant (ms since the epoch), oldest first, at most `max`.
   * @returns how many were deleted; fewer than `max` when none is left to delete
   */
  deleteBefore(instant: number, max: number): number {
    return this.#database.timed("predictions.deleteBefore", () => {
      return this.#statements.deleteBefore.all({ instant, max }).length;
    });
  }

  /**
   * Deletes the rows written first, beyond the newest `keep`, at most `max`.
   * @returns how many were deleted; fewer than `max` when none is left to delete
   */
  deleteBeyond(keep: number, max: number): number {
    return this.#database.timed("predictions.deleteBeyond", () => {
      const last = this.#statements.span.get()?.last ?? 0;
      return this.#statements.deleteUpTo.all({ last: last - keep, max }).length;
    });
  }

  #page(filter: PredictionFilter): PageStatement {
    const given = FILTERS.filter((name) => filter[name] !== undefined);
    const key = given.join();
    const statement = this.#pages.get(key) ?? preparePage(this.#database, given);
    this.#pages.set(key, statement);
    return statement;
  }
}

const FILTERS = ["modelName", "confidence", "outcome"] as const satisfies (keyof PredictionFilter)[];

const DAY_MS = 86_400_000;

/** SQLite's own number of a row, in the order of insertion. */
const rowid = sql<number>`rowid`;

function preparePage({ orm }: PinholeDatabase, given: readonly (typeof FILTERS)[number][]) {
  const { createdAt, id } = predictions;
  const wanted: SQL[] = given.map((name) => eq(predictions[name], sql.placeholder(name)));
  const after = sql`(${createdAt}, ${id}) < (${sql.placeholder("createdAt")}, ${sql.placeholder("id")})`;
  return orm
    .select()
    .from(predictions)
    .where(and(...wanted, after))
    .orderBy(desc(createdAt), desc(id))
    .limit(sql.placeholder("limit"))
    .prepare();
}

function prepare({ orm }: PinholeDatabase) {
  const { id, createdAt } = predictions;
  const utcDay = sql<number>`${createdAt} / ${sql.raw(String(DAY_MS))}`;
  const oldest = orm
    .select({ rowid })
    .from(predictions)
    .where(lt(createdAt, sql.placeholder("instant")))
    .orderBy(createdAt)
    .limit(sql.placeholder("max"));
  const firstWritten = orm
    .select({ rowid })
    .from(predictions)
    .where(lte(rowid, sql.placeholder("last")))
    .orderBy(rowid)
    .limit(sql.placeholder("max"));
  return {
    byId: orm
      .select()
      .from(predictions)
      .where(eq(id, sql.placeholder("id")))
      .prepare(),
    span: orm
      .select({
        first: sql<number | null>`(SELECT min(rowid) FROM ${predictions})`,
        last: sql<number | null>`(SELECT max(rowid) FROM ${predictions})`,
      })
      .from(sql`(SELECT 1)`)
      .prepare(),
    clientDays: orm
      .selectDistinct({ clientHash: predictions.clientHash, day: utcDay })
      .from(predictions)
      .where(gte(createdAt, sql.placeholder("instant")))
      .prepare(),
    deleteBefore: orm.delete(predictions).where(inArray(rowid, oldest)).returning({ id }).prepare(),
    deleteUpTo: orm.delete(predictions).where(inArray(rowid, firstWritten)).returning({ id }).prepare(),
  };
}
