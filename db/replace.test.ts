import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sampleRow } from "../test/sample-row.ts";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { copyDatabase, inspectCopy } from "./backup.ts";
import { tryExclusiveLock } from "./exclusive-lock.ts";
import { Predictions } from "./predictions.ts";
import { DatabaseInUse, replaceDatabase } from "./replace.ts";

/** A database of two rows, and a copy of it from when there was one. */
function prepared() {
  const scratch = new ScratchDatabase();
  const predictions = new Predictions(scratch.database);
  predictions.insertMany([sampleRow(1)]);
  const copy = join(scratch.dir, "data", "copy.sqlite");
  copyDatabase(scratch.path, copy);
  predictions.insertMany([sampleRow(2)]);
  return { scratch, copy, aside: `${scratch.path}.aside` };
}

const rowsOf = (path: string) => inspectCopy(path).rows.predictions;
const alongside = () => undefined;

/**
 * The closed database under a path that nobody has opened: a connection of this process lives on until its
 * statements are collected.
 */
function closedCopy(scratch: ScratchDatabase): string {
  scratch.database.close();
  const path = join(scratch.dir, "closed.sqlite");
  copyFileSync(scratch.path, path);
  return path;
}

/** Copies the file and its log, as they are while the database is open: what a kill leaves. */
function killedCopy(scratch: ScratchDatabase): string {
  const path = join(scratch.dir, "killed.sqlite");
  for (const suffix of ["", "-wal", "-shm"])
    writeFileSync(path + suffix, readFileSync(scratch.path + suffix));
  return path;
}

describe("copyDatabase", () => {
  test("is whole and keeps what later pruning relies on", () => {
    const { scratch, copy } = prepared();
    using _ = scratch;
    expect(inspectCopy(copy)).toMatchObject({
      rows: { predictions: 1, health_checks: 0, model_versions: 0 },
      migrations: { state: "current" },
    });
    using database = new Database(copy);
    expect(database.query("PRAGMA auto_vacuum").get()).toEqual({ auto_vacuum: 2 });
  });

  test("does not overwrite", () => {
    const { scratch, copy } = prepared();
    using _ = scratch;
    expect(() => copyDatabase(scratch.path, copy)).toThrow("EEXIST");
  });

  test("a damaged copy is seen", () => {
    const { scratch, copy } = prepared();
    using _ = scratch;
    const bytes = readFileSync(copy);
    bytes.fill(0xff, bytes.length - 6000, bytes.length - 2000);
    writeFileSync(copy, bytes);
    expect(() => inspectCopy(copy)).toThrow();
  });

  test("a database that is newer or another's is told apart", () => {
    using scratch = new ScratchDatabase();
    const stateOf = (sql: string) => {
      scratch.database.sqlite.run(sql);
      const copy = join(scratch.dir, `${Bun.randomUUIDv7()}.sqlite`);
      copyDatabase(scratch.path, copy);
      return inspectCopy(copy).migrations.state;
    };
    expect(stateOf("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('later', 9e15)")).toBe(
      "newer",
    );
    expect(stateOf("UPDATE __drizzle_migrations SET hash = 'other'")).toBe("foreign");
  });

  test("what is left to migrate is rehearsed, and taken back", () => {
    using scratch = new ScratchDatabase();
    const empty = join(scratch.dir, "empty.sqlite");
    using made = new Database(empty);
    made.run("CREATE TABLE other (a)");
    expect(inspectCopy(empty)).toMatchObject({ rows: { other: 0 }, migrations: { state: "behind" } });
    made.run("CREATE TABLE predictions (a)");
    expect(() => inspectCopy(empty)).toThrow("already exists");
  });
});

describe("replaceDatabase", () => {
  test("refuses while anybody has the database open, and changes nothing", () => {
    const { scratch, copy, aside } = prepared();
    using _ = scratch;
    expect(() => replaceDatabase(scratch.path, { copy, aside, alongside })).toThrow(DatabaseInUse);
    expect(existsSync(copy)).toBe(true);
    expect(existsSync(aside)).toBe(false);
    expect(new Predictions(scratch.database).byId(sampleRow(2).id)).not.toBeNull();
  });

  test("keeps what was there", () => {
    const { scratch, copy, aside } = prepared();
    using _ = scratch;
    const path = closedCopy(scratch);
    expect(replaceDatabase(path, { copy, aside, alongside })).toBe(true);
    expect(rowsOf(path)).toBe(1);
    expect(rowsOf(aside)).toBe(2);
    expect(existsSync(copy)).toBe(false);
  });

  test("the log of a killed server goes into what is kept, not into what is restored", () => {
    const { scratch, copy } = prepared();
    using _ = scratch;
    const path = killedCopy(scratch);
    replaceDatabase(path, { copy, aside: `${path}.aside`, alongside });
    for (const suffix of ["-wal", "-shm"]) expect(existsSync(path + suffix)).toBe(false);
    expect(rowsOf(path)).toBe(1);
    expect(rowsOf(`${path}.aside`)).toBe(2);
  });

  test("a database that cannot be read is kept as it is", () => {
    const { scratch, copy } = prepared();
    using _ = scratch;
    const path = killedCopy(scratch);
    writeFileSync(path, "not a database any more ".repeat(100));
    writeFileSync(`${path}-wal`, "no log");
    replaceDatabase(path, { copy, aside: `${path}.aside`, alongside });
    expect(rowsOf(path)).toBe(1);
    expect(readFileSync(`${path}.aside`, "utf8").slice(0, 14)).toBe("not a database");
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test("what fails alongside leaves the database as it was", () => {
    const { scratch, copy } = prepared();
    using _ = scratch;
    const path = closedCopy(scratch);
    const failing = () => {
      throw new Error("no");
    };
    const aside = `${path}.aside`;
    expect(() => replaceDatabase(path, { copy, aside, alongside: failing })).toThrow("no");
    expect(rowsOf(path)).toBe(2);
    expect(existsSync(aside)).toBe(false);
  });

  test("where there is none, it is put in place", () => {
    const { scratch, copy } = prepared();
    using _ = scratch;
    const path = join(scratch.dir, "fresh.sqlite");
    expect(replaceDatabase(path, { copy, aside: `${path}.aside`, alongside })).toBe(false);
    expect(rowsOf(path)).toBe(1);
  });
});

test("one at a time holds an exclusive lock", () => {
  using scratch = new ScratchDatabase();
  const path = join(scratch.dir, "lock");
  {
    using held = tryExclusiveLock(path);
    expect(held).not.toBeNull();
    expect(tryExclusiveLock(path)).toBeNull();
  }
  using again = tryExclusiveLock(path);
  expect(again).not.toBeNull();
});
