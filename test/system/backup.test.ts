import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { plain } from "./pictures.ts";
import { type RunningServer, startServer } from "./server.ts";

/** Backup and restore as commands, beside a server that works. */

const ROOT = new URL("../..", import.meta.url).pathname;
const SETTINGS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_RATE_LIMIT_ENABLED: "false",
};
/** An answer this long ago has been written: five flush intervals, for a busy machine. */
const SETTLED_MS = 1000;
const CONNECTIONS = 4;

async function pinhole(command: "backup" | "restore", args: string[], settings: Record<string, string>) {
  const child = Bun.spawn([process.execPath, "--no-env-file", `src/commands/${command}.ts`, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, out, err };
}

/** Predicts without a pause until told to stop; every answer, with the moment at which it came. */
function load(server: RunningServer, body: Uint8Array<ArrayBuffer>) {
  const answers: { status: number; id: string; at: number }[] = [];
  let stopped = false;
  const client = async () => {
    while (!stopped) {
      const response = await fetch(`${server.url}/api/v1/predict`, {
        method: "POST",
        body,
        headers: { "Content-Type": "image/png" },
      });
      const { prediction_id } = (await response.json()) as { prediction_id: string };
      answers.push({ status: response.status, id: prediction_id, at: performance.now() });
    }
  };
  const clients = Promise.all(Array.from({ length: CONNECTIONS }, client));
  return {
    answers,
    async stop() {
      stopped = true;
      await clients;
    },
  };
}

test("under load: no request fails, and what was written before is in the restored database", async () => {
  const home = await mkdtemp(join(tmpdir(), "pinhole-backup-"));
  const backups = join(home, "backups");
  const restored = join(home, "restored");
  try {
    await using server = await startServer(SETTINGS);
    const working = load(server, await plain(0, 0, 255));
    await Bun.sleep(2 * SETTLED_MS);
    const settings = { PINHOLE_DATA_DIR: server.dataDir, PINHOLE_BACKUP_DIR: backups };
    const begunAt = performance.now();
    const made = await pinhole("backup", [], settings);
    expect(made).toMatchObject({ code: 0, err: "" });
    const during = working.answers.filter(({ at }) => at > begunAt).length;
    await Bun.sleep(100);
    await working.stop();
    expect(working.answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(during).toBeGreaterThan(0);
    const settled = working.answers.filter(({ at }) => at < begunAt - SETTLED_MS).map(({ id }) => id);
    expect(settled.length).toBeGreaterThan(10);

    const file = (await readdir(backups)).find((name) => name.endsWith(".tar.zst"))!;
    const listed = await pinhole("restore", ["--list"], settings);
    expect(listed.out).toContain(`${file}  `);
    expect(listed.out).toMatch(/ bytes, \d+ predictions, made by Pinhole \d/);

    // Where the server still runs, nothing is replaced.
    const refused = await pinhole("restore", ["--from", join(backups, file), "--force"], settings);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("Stop the server first");
    expect((await fetch(`${server.url}/api/v1/predictions/${settled[0]}`)).status).toBe(200);

    const { code, err } = await pinhole("restore", ["--from", join(backups, file)], {
      PINHOLE_DATA_DIR: restored,
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const database = new Database(join(restored, "pinhole.sqlite"), { readonly: true });
    expect(database.query("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    const there = new Set(
      database
        .query<{ id: string }, []>("SELECT id FROM predictions")
        .all()
        .map(({ id }) => id),
    );
    database.close();
    expect(settled.filter((id) => !there.has(id))).toEqual([]);
    console.log(
      `${working.answers.length} answers, ${during} while the backup ran; ${settled.length} must be in it, it has ${there.size}`,
    );

    await using again = await startServer(SETTINGS, { dataDir: restored });
    const record = await fetch(`${again.url}/api/v1/predictions/${settled.at(-1)}`);
    expect(record.status).toBe(200);

    // Over a stopped server's database, which is kept.
    await again.stop();
    const forced = await pinhole("restore", ["--from", join(backups, file), "--force"], {
      PINHOLE_DATA_DIR: restored,
    });
    expect(forced.code).toBe(0);
    expect(
      (await readdir(restored)).filter((name) => name.startsWith("pinhole.sqlite.replaced-")),
    ).toHaveLength(1);
    expect((await readdir(restored)).filter((name) => name.startsWith(".restore-"))).toEqual([]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}, 60_000);

/** A database large enough that a backup takes a while. */
function largeDatabase(dataDir: string): void {
  const database = new Database(join(dataDir, "pinhole.sqlite"), { create: true });
  database.run("PRAGMA journal_mode = WAL");
  database.run("CREATE TABLE ballast (a)");
  database.run(
    "INSERT INTO ballast WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) " +
      "SELECT randomblob(10000) FROM n",
  );
  database.close();
}

const pause = async (until: () => Promise<boolean>) => {
  for (let n = 0; n < 2000 && !(await until()); n++) await Bun.sleep(5);
};

test("killed or out of room, a backup leaves nothing that looks like one", async () => {
  const home = await mkdtemp(join(tmpdir(), "pinhole-backup-"));
  const backups = join(home, "backups");
  const dataDir = join(home, "data");
  const settings = { PINHOLE_DATA_DIR: dataDir, PINHOLE_BACKUP_DIR: backups };
  const finished = async () => (await readdir(backups)).filter((name) => name.endsWith(".tar.zst"));
  const partial = async () =>
    (await readdir(backups).catch(() => [])).filter((name) => name.startsWith(".partial-"));
  try {
    await mkdir(dataDir);
    largeDatabase(dataDir);
    const argv = [process.execPath, "--no-env-file", "src/commands/backup.ts"];
    const spawn = (command: string[]) =>
      Bun.spawn(command, {
        cwd: ROOT,
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings },
        stdout: "ignore",
        stderr: "pipe",
      });

    const killed = spawn(argv);
    await pause(async () => (await partial()).length > 0);
    killed.kill("SIGSTOP");
    const second = await pinhole("backup", [], settings);
    killed.kill("SIGKILL");
    await killed.exited;
    expect(second.code).toBe(1);
    expect(second.err).toContain("Another backup is being made");
    expect(await finished()).toEqual([]);
    expect(await partial()).toHaveLength(1);

    // No file may grow past 8 MiB: writing fails half-way, as on a full disk.
    const limited = spawn(["bash", "-c", `trap '' XFSZ; ulimit -f 8192; exec ${argv.join(" ")}`]);
    expect(await limited.exited).toBe(1);
    expect((await limited.stderr.text()).trim().split("\n")).toHaveLength(1);
    expect(await finished()).toEqual([]);
    expect(await partial()).toEqual([]);

    const { code } = await pinhole("backup", [], settings);
    expect(code).toBe(0);
    expect(await finished()).toHaveLength(1);
    expect(await partial()).toEqual([]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}, 60_000);
