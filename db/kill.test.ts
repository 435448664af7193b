import { expect, test } from "bun:test";
import { sampleRow } from "../test/sample-row.ts";
import { ScratchDatabase } from "../test/scratch-database.ts";
import { Predictions } from "./predictions.ts";

const ROUNDS = 5;

/** Lets a process record into the database until it has reported some rows, then kills it wherever it is. */
async function writeAndKill(path: string, first: number, reportBytes: number): Promise<number[]> {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/kill.fixture.ts`, path, String(first)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let said = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    if (said.length > reportBytes) child.kill("SIGKILL");
  }
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  // The last line may have been cut in two by the kill; all before it were reported.
  return said.split("\n").slice(0, -1).map(Number);
}

test("after kill -9 every row that was reported written is there, and none is half", async () => {
  using scratch = new ScratchDatabase();
  const reported: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const last = reported.at(-1) ?? -1;
    // Leaves out what the killed process may have written without having reported it.
    const written = await writeAndKill(scratch.path, last + 100_000, 2_000 + round * 1_000);
    expect(written.length).toBeGreaterThan(100);
    reported.push(...written);

    const database = scratch.open();
    expect(database.sqlite.query("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    const predictions = new Predictions(database);
    const missing = reported.filter((n) => predictions.byId(sampleRow(n).id) === null);
    expect(missing).toEqual([]);
    let cursor: string | null = null;
    let seen = 0;
    do {
      const page = predictions.page({ limit: 500, cursor });
      const half = page.rows.filter((row) => !Bun.deepEquals(row, sampleRow(Number.parseInt(row.id, 16))));
      expect(half).toEqual([]);
      seen += page.rows.length;
      cursor = page.next;
    } while (cursor !== null);
    expect(seen).toBeGreaterThanOrEqual(reported.length);
    database.close();
  }
}, 60_000);
