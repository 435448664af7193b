import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Predictions } from "../../db/predictions.ts";
import { loadSecret } from "../../src/admission/client-hash.ts";
import { sampleRow } from "../sample-row.ts";
import { ScratchDatabase } from "../scratch-database.ts";

/** Backups in a bucket, against a server that speaks S3 (moto, of test/tools/requirements.txt). */

const ROOT = new URL("../..", import.meta.url).pathname;
const BUCKET = "pinhole-backups";
const SECRET_KEY = "the-secret-key-of-the-bucket";

let home: string;
let moto: Bun.Subprocess;
let motoUrl: string;
/** Hands everything on to moto, and can change a byte of what comes back. */
let between: Bun.Server<undefined>;
let tampering = false;

beforeAll(async () => {
  const python = process.env.PINHOLE_TEST_PYTHON;
  if (!python) throw new Error("PINHOLE_TEST_PYTHON must name the Python of test/tools/requirements.txt");
  home = await mkdtemp(join(tmpdir(), "pinhole-s3-"));
  const probe = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  motoUrl = `http://127.0.0.1:${probe.port}`;
  const argv = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", String(probe.port)];
  probe.stop(true);
  moto = Bun.spawn(argv, { stdout: "ignore", stderr: "ignore" });
  for (let n = 0; n < 600 && !(await fetch(`${motoUrl}/moto-api/`).catch(() => null))?.ok; n++)
    await Bun.sleep(50);
  expect((await fetch(`${motoUrl}/${BUCKET}`, { method: "PUT" })).status).toBe(200);
  between = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const answer = await fetch(`${motoUrl}${pathname}${search}`, {
        method: request.method,
        headers: request.headers,
        body: request.body === null ? null : await request.arrayBuffer(),
      });
      const body = new Uint8Array(await answer.arrayBuffer());
      if (tampering && request.method === "GET" && pathname.endsWith(".zst") && body.length > 0)
        body[body.length >> 1]! ^= 1;
      return new Response(body.length > 0 ? body : null, { status: answer.status, headers: answer.headers });
    },
  });
}, 60_000);

afterAll(async () => {
  between?.stop(true);
  moto?.kill();
  await moto?.exited;
  await rm(home, { recursive: true, force: true });
});

async function pinhole(command: "backup" | "restore", args: string[], more: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, "--no-env-file", `src/commands/${command}.ts`, ...args], {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      // Without one Bun keeps its cache in the working directory.
      HOME: process.env.HOME,
      PINHOLE_BACKUP_DIR: join(home, "backups"),
      PINHOLE_BACKUP_S3_ENDPOINT: String(between.url),
      PINHOLE_BACKUP_S3_BUCKET: BUCKET,
      PINHOLE_BACKUP_S3_ACCESS_KEY: "access",
      PINHOLE_BACKUP_S3_SECRET_KEY: SECRET_KEY,
      PINHOLE_BACKUP_KEEP_DAILY: "1",
      PINHOLE_BACKUP_KEEP_WEEKLY: "0",
      PINHOLE_BACKUP_KEEP_MONTHLY: "0",
      ...more,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect(out + err).not.toContain(SECRET_KEY);
  return { code, out, err };
}

const inBucket = async () => {
  const listing = await (await fetch(`${motoUrl}/${BUCKET}?list-type=2`)).text();
  return [...listing.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key]) => key!);
};

describe("backups in S3", () => {
  /** Large enough for several parts of an upload: bytes that cannot be compressed. */
  function data(): ScratchDatabase & { dataDir: string } {
    const scratch = Object.assign(new ScratchDatabase(), { dataDir: "" });
    scratch.dataDir = join(scratch.dir, "data");
    loadSecret(scratch.dataDir);
    new Predictions(scratch.database).insertMany([sampleRow(1), sampleRow(2)]);
    scratch.database.sqlite.run("CREATE TABLE ballast AS SELECT randomblob(12000000) AS bytes");
    return scratch;
  }

  test("sent, read back, listed, kept by the same rule, restored", async () => {
    using scratch = data();
    const settings = { PINHOLE_DATA_DIR: scratch.dataDir };
    const first = await pinhole("backup", ["--s3"], settings);
    expect(first).toMatchObject({ code: 0, err: "" });
    const [firstKey] = await inBucket();
    expect(firstKey).toMatch(/^pinhole\/pinhole-\d{8}T\d{6}\.\d{3}Z\.tar\.zst$/);

    const second = await pinhole("backup", ["--s3"], settings);
    expect(second.out).toContain(`removed s3:${firstKey!.slice("pinhole/".length)}`);
    const keys = await inBucket();
    expect(keys).toHaveLength(1);
    const name = keys[0]!.slice("pinhole/".length);
    expect(second.out).toContain(`s3:${name}: sent and read back`);

    // The machine is lost: only the bucket is left.
    await rm(join(home, "backups"), { recursive: true });
    expect((await pinhole("restore", ["--list"], settings)).out).toStartWith(`s3:${name}`);
    const fresh = join(home, "fresh");
    const restored = await pinhole("restore", ["--from", `s3:${name}`], { PINHOLE_DATA_DIR: fresh });
    expect(restored).toMatchObject({ code: 0, err: "" });
    expect((await readdir(fresh)).sort()).toEqual([
      "client-key.secret",
      "pinhole.sqlite",
      "pinhole.sqlite.lock",
    ]);
    expect(loadSecret(fresh)).toEqual(loadSecret(scratch.dataDir));
    using database = new Database(join(fresh, "pinhole.sqlite"), { readonly: true });
    expect(database.query("SELECT count(*) AS n FROM predictions").get()).toEqual({ n: 2 });
  }, 60_000);

  test("what comes back changed is a failure, and does not stay; the local backup does", async () => {
    using scratch = data();
    const before = await inBucket();
    const local = join(home, "local");
    tampering = true;
    const settings = { PINHOLE_DATA_DIR: scratch.dataDir, PINHOLE_BACKUP_DIR: local };
    const { code, err } = await pinhole("backup", ["--s3"], settings).finally(() => {
      tampering = false;
    });
    expect(code).toBe(1);
    expect(err).toContain("is not what was sent");
    expect(await inBucket()).toEqual(before);
    expect((await readdir(local)).filter((name) => name.endsWith(".tar.zst"))).toHaveLength(1);
  }, 60_000);

  test("what cannot be reached or found is told in words", async () => {
    using scratch = data();
    const settings = { PINHOLE_DATA_DIR: scratch.dataDir };
    const bucket = await pinhole("backup", ["--s3"], { ...settings, PINHOLE_BACKUP_S3_BUCKET: "another" });
    expect(bucket).toMatchObject({ code: 1 });
    expect(bucket.err).toStartWith("S3 bucket another: cannot send");
    const gone = await pinhole("restore", ["--from", "s3:pinhole-20260101T000000.000Z.tar.zst"], {
      PINHOLE_DATA_DIR: join(home, "nothing"),
    });
    expect(gone).toMatchObject({ code: 1 });
    expect(gone.err).toContain("cannot fetch");
    const unset = await pinhole("backup", ["--s3"], { ...settings, PINHOLE_BACKUP_S3_SECRET_KEY: "" });
    expect(unset).toMatchObject({ code: 1, err: "For S3, set PINHOLE_BACKUP_S3_SECRET_KEY.\n" });
  }, 60_000);
});
