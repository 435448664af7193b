import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plain } from "./pictures.ts";
import { type RunningServer, startServer } from "./server.ts";

const FLUSH_INTERVAL_MS = 50;
/** An answer this long before the kill must have been written: one interval, and the write itself on a busy machine. */
const SETTLED_MS = 1000;
const WRITE_MS = 2500;
/** A flood fills batches, which are written at once; a trickle has to wait for the interval. */
const ROUNDS = [
  { connections: 8, pauseMs: 0 },
  { connections: 1, pauseMs: 20 },
  { connections: 8, pauseMs: 0 },
];

const SETTINGS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_RATE_LIMIT_ENABLED: "false",
  PINHOLE_RECORD_FLUSH_INTERVAL_MS: String(FLUSH_INTERVAL_MS),
};

/** Predicts until the server is gone; gives each id with the moment of its answer. */
async function write(
  server: RunningServer,
  body: Uint8Array<ArrayBuffer>,
  { connections, pauseMs }: (typeof ROUNDS)[number],
): Promise<{ id: string; at: number }[]> {
  const answered: { id: string; at: number }[] = [];
  const client = async () => {
    for (;;) {
      try {
        const headers = { "Content-Type": "image/png" };
        const response = await fetch(`${server.url}/api/v1/predict`, { method: "POST", body, headers });
        const { prediction_id } = (await response.json()) as { prediction_id: string };
        answered.push({ id: prediction_id, at: performance.now() });
        if (pauseMs > 0) await Bun.sleep(pauseMs);
      } catch {
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  return answered;
}

test("kill -9 while records are written: every flushed one is there after the restart, none is half", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "pinhole-crash-"));
  const body = await plain(0, 0, 255);
  const settled: string[] = [];
  try {
    for (const round of ROUNDS) {
      const server = await startServer(SETTINGS, { dataDir });
      try {
        const writing = write(server, body, round);
        await Bun.sleep(WRITE_MS);
        const killedAt = performance.now();
        server.signal("SIGKILL");
        expect(await server.exited).toBe(137);
        const answered = await writing;
        const written = answered.filter(({ at }) => at < killedAt - SETTLED_MS);
        expect(written.length).toBeGreaterThan(10);
        settled.push(...written.map(({ id }) => id));
      } finally {
        await server.stop();
      }
    }

    await using server = await startServer(SETTINGS, { dataDir });
    const missing: string[] = [];
    for (const id of settled) {
      const response = await fetch(`${server.url}/api/v1/predictions/${id}`);
      const record = (await response.json()) as { prediction_id?: string };
      if (response.status !== 200 || record.prediction_id !== id) missing.push(id);
    }
    expect(missing).toEqual([]);
    expect(await server.stop()).toBe(0);

    const database = new Database(join(dataDir, "pinhole.sqlite"), { readonly: true });
    expect(database.query("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    const half =
      "SELECT count(*) AS n FROM predictions WHERE class_id IS NULL OR prob IS NULL OR json_valid(timings) = 0";
    expect(database.query(half).get()).toEqual({ n: 0 });
    database.close();
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}, 120_000);
