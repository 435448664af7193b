import { describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { migrate } from "./migrate.ts";

const MIGRATIONS = join(import.meta.dir, "migrations");

describe("migrate", () => {
  test("a second start applies nothing", () => {
    using scratch = new ScratchDatabase();
    expect(migrate(scratch.database)).toBe(0);
  });

  test("processes that start together on a new file apply each migration once", async () => {
    const dir = mkdtempSync(join(tmpdir(), "pinhole-migrate-"));
    const script = `
      import { openDatabase } from ${JSON.stringify(join(import.meta.dir, "connection.ts"))};
      import { migrate } from ${JSON.stringify(join(import.meta.dir, "migrate.ts"))};
      console.log("ready");
      await Bun.stdin.text();
      const clock = { now: () => performance.now() };
      const database = openDatabase(${JSON.stringify(join(dir, "new", "pinhole.sqlite"))}, { clock, slowQueryMs: 1e9 });
      const applied = migrate(database);
      const rows = database.sqlite.query("SELECT count(*) AS n FROM __drizzle_migrations").get().n;
      console.log(JSON.stringify({ applied, rows, autoVacuum: database.pragma("auto_vacuum") }));
      database.close();`;
    const children = Array.from({ length: 6 }, () =>
      Bun.spawn([process.execPath, "-e", script], { stdin: "pipe", stdout: "pipe", stderr: "inherit" }),
    );
    const outputs = children.map(({ stdout }) => stdout.pipeThrough(new TextDecoderStream()).getReader());
    for (const output of outputs) expect((await output.read()).value).toBe("ready\n");
    for (const child of children) child.stdin.end();
    const reports: { applied: number; rows: number; autoVacuum: number }[] = [];
    for (const output of outputs) reports.push(JSON.parse((await output.read()).value ?? "null"));
    for (const child of children) expect(await child.exited).toBe(0);
    const journal = JSON.parse(readFileSync(join(MIGRATIONS, "meta", "_journal.json"), "utf8"));
    const count: number = journal.entries.length;
    expect(reports.map(({ applied }) => applied).sort()).toEqual([0, 0, 0, 0, 0, count]);
    expect(reports.every(({ rows, autoVacuum }) => rows === count && autoVacuum === 2)).toBe(true);
    rmSync(dir, { recursive: true });
  });

  test("a database that a newer version wrote is refused", () => {
    using scratch = new ScratchDatabase();
    scratch.database.sqlite.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('later', 9e15)");
    expect(() => migrate(scratch.database)).toThrow("a newer version wrote it");
  });

  test("a migration that was changed after it was applied is refused", () => {
    using scratch = new ScratchDatabase();
    const folder = join(scratch.dir, "migrations");
    cpSync(MIGRATIONS, folder, { recursive: true });
    const first = join(folder, "0000_start.sql");
    writeFileSync(first, `${readFileSync(first, "utf8")}\n-- changed`);
    expect(() => migrate(scratch.database, folder)).toThrow("not made by this version's migrations");
  });

  test("the migrations are those of the schema", () => {
    const dir = mkdtempSync(join(tmpdir(), "pinhole-schema-"));
    cpSync(MIGRATIONS, join(dir, "out"), { recursive: true });
    const generate = Bun.spawnSync(
      [
        process.execPath,
        join(import.meta.dir, "../node_modules/drizzle-kit/bin.cjs"),
        "generate",
        "--dialect=sqlite",
        `--schema=${join(import.meta.dir, "schema.ts")}`,
        "--out=out",
      ],
      { stdout: "pipe", stderr: "pipe", cwd: dir },
    );
    const said = generate.stdout.toString() + generate.stderr.toString();
    rmSync(dir, { recursive: true });
    expect(said).toContain("No schema changes");
  });
});
