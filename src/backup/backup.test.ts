import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { Predictions } from "../../db/predictions.ts";
import { ManualClock } from "../../test/manual-clock.ts";
import { sampleRow } from "../../test/sample-row.ts";
import { ScratchDatabase } from "../../test/scratch-database.ts";
import { loadSecret } from "../admission/client-hash.ts";
import { randomId, systemClock } from "../clock.ts";
import { readManifest, unpack } from "./archive.ts";
import { BackupError } from "./backup-error.ts";
import { parseManifestText } from "./contents.ts";
import { BackupFolder } from "./folder.ts";
import { restoreBackup } from "./restore-backup.ts";
import { removeOld, takeBackup } from "./take-backup.ts";

/** A data directory with 1,000 predictions and a secret, and an empty folder of backups. */
class Scene implements Disposable {
  readonly scratch = new ScratchDatabase();
  readonly dataDir = join(this.scratch.dir, "data");
  readonly folder = new BackupFolder(join(this.scratch.dir, "backups"));
  readonly secret = loadSecret(this.dataDir);

  constructor() {
    new Predictions(this.scratch.database).insertMany(Array.from({ length: 1000 }, (_, n) => sampleRow(n)));
  }

  async take(clock = systemClock) {
    using _lock = await this.folder.lock();
    return takeBackup({
      dataDir: this.dataDir,
      folder: this.folder,
      clock,
      newId: randomId,
      version: "1.2.3",
    });
  }

  restore(path: string, { dataDir = this.dataDir, force = false } = {}) {
    return restoreBackup({ dataDir, force, fetch: async () => path, clock: systemClock, newId: randomId });
  }

  /** As the data directory is after the server's end: a connection of this process lives on for a while. */
  closedDataDir(): string {
    this.scratch.database.close();
    const dataDir = join(this.scratch.dir, "closed");
    cpSync(this.dataDir, dataDir, { recursive: true });
    return dataDir;
  }

  [Symbol.dispose]() {
    this.scratch[Symbol.dispose]();
  }
}

const refused = (work: Promise<unknown>, text: string) =>
  work.then(
    () => expect.unreachable(),
    (thrown) => {
      expect(thrown).toBeInstanceOf(BackupError);
      expect(String(thrown)).toContain(text);
    },
  );

describe("takeBackup", () => {
  test("one file, for its owner only, that says what it holds; nothing else is left", async () => {
    using scene = new Scene();
    const { path, name, manifest } = await scene.take();
    expect(readdirSync(scene.folder.path).sort()).toEqual([".lock", name]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(scene.folder.path).mode & 0o777).toBe(0o700);
    expect(manifest).toMatchObject({ pinhole: "1.2.3", schemaVersion: 1, rows: { predictions: 1000 } });
    expect(Object.keys(manifest.files)).toEqual(["client-key.secret", "pinhole.sqlite"]);
    expect(await readManifest(path)).toEqual(manifest);
  });

  test("without a database there is nothing to back up", async () => {
    using scene = new Scene();
    const options = { folder: scene.folder, clock: systemClock, newId: randomId, version: "1" };
    using _lock = await scene.folder.lock();
    await refused(takeBackup({ ...options, dataDir: scene.scratch.dir }), "nothing to back up");
    expect(await scene.folder.list()).toEqual([]);
  });

  test("a damaged database is not backed up, and nothing half is left", async () => {
    using scene = new Scene();
    scene.scratch.database.close();
    const path = scene.scratch.path;
    const bytes = readFileSync(path);
    bytes.fill(0xff, 20_000, 40_000);
    writeFileSync(path, bytes);
    await refused(scene.take(), "No whole copy of");
    expect(readdirSync(scene.folder.path)).toEqual([".lock"]);
  });

  test("two at once: the second is told; what a killed one left is swept", async () => {
    using scene = new Scene();
    {
      using _lock = await scene.folder.lock();
      scene.folder.partial("killed");
      await refused(scene.folder.lock(), "Another backup is being made");
      expect(readdirSync(scene.folder.path)).toContain(".partial-killed");
    }
    const { name } = await scene.take();
    expect(readdirSync(scene.folder.path).sort()).toEqual([".lock", name]);
  });

  test("what root makes belongs to the owner of the data", async () => {
    using scene = new Scene();
    const nobody = 65534;
    if (process.getuid?.() === 0) chownSync(scene.dataDir, nobody, nobody);
    const owner = statSync(scene.dataDir).uid;
    const folder = new BackupFolder(join(scene.dataDir, "backups"));
    using _lock = await folder.lock();
    const options = { dataDir: scene.dataDir, clock: systemClock, newId: randomId, version: "1" };
    const { path } = await takeBackup({ ...options, folder });
    const dataDir = join(scene.scratch.dir, "restored");
    mkdirSync(dataDir);
    if (process.getuid?.() === 0) chownSync(dataDir, nobody, nobody);
    await scene.restore(path, { dataDir });
    const made = [folder.path, path, join(folder.path, ".lock")];
    made.push(...["pinhole.sqlite", "client-key.secret"].map((name) => join(dataDir, name)));
    expect(made.filter((file) => statSync(file).uid !== owner)).toEqual([]);
  });

  test("retention touches only backups", async () => {
    using scene = new Scene();
    const clock = new ManualClock();
    const names: string[] = [];
    for (let n = 0; n < 3; n++) {
      names.push((await scene.take(clock)).name);
      clock.advance(1000);
    }
    writeFileSync(join(scene.folder.path, "notes.txt"), "mine");
    const newest = (instants: readonly number[]) => new Set([Math.max(...instants)]);
    expect(await removeOld(scene.folder, newest)).toEqual(names.slice(0, 2));
    expect(readdirSync(scene.folder.path).sort()).toEqual([".lock", "notes.txt", names[2]!]);
  });
});

describe("restoreBackup", () => {
  test("into an empty directory: every row and the secret", async () => {
    using scene = new Scene();
    const { path, manifest } = await scene.take();
    const dataDir = join(scene.scratch.dir, "elsewhere", "data");
    mkdirSync(join(dataDir, ".restore-killed"), { recursive: true });
    expect(await scene.restore(path, { dataDir })).toMatchObject({ manifest, kept: [] });
    expect(readdirSync(dataDir).sort()).toEqual([
      "client-key.secret",
      "pinhole.sqlite",
      "pinhole.sqlite.lock",
    ]);
    for (const file of readdirSync(dataDir)) expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
    expect(loadSecret(dataDir)).toEqual(scene.secret);
    using database = new Database(join(dataDir, "pinhole.sqlite"));
    expect(database.query("SELECT count(*) AS n FROM predictions").get()).toEqual({ n: 1000 });
  });

  test("a database that is there is replaced only when told, and kept, its secret, too", async () => {
    using scene = new Scene();
    const { path } = await scene.take();
    new Predictions(scene.scratch.database).insertMany([sampleRow(5000)]);
    writeFileSync(join(scene.dataDir, "client-key.secret"), new Uint8Array(32));
    await refused(scene.restore(path), "--force");
    await refused(scene.restore(path, { force: true }), "open in another process");
    const dataDir = scene.closedDataDir();
    const { kept } = await scene.restore(path, { dataDir, force: true });
    expect(kept.map((file) => file.replace(/\d{8}T.*Z$/, "T"))).toEqual([
      join(dataDir, "client-key.secret.replaced-T"),
      join(dataDir, "pinhole.sqlite.replaced-T"),
    ]);
    expect(loadSecret(dataDir)).toEqual(scene.secret);
    const count = (file: string) => {
      using database = new Database(file);
      return database.query<{ n: number }, []>("SELECT count(*) AS n FROM predictions").get()?.n;
    };
    expect(count(kept[1]!)).toBe(1001);
    expect(count(join(dataDir, "pinhole.sqlite"))).toBe(1000);
  });

  test("a backup with any byte changed, or cut off, is refused and changes nothing", async () => {
    using scene = new Scene();
    const { path } = await scene.take();
    const good = readFileSync(path);
    const dataDir = join(scene.scratch.dir, "fresh");
    const bad = join(scene.scratch.dir, "bad.tar.zst");
    const flips = Array.from({ length: 25 }, (_, n) => Math.floor(((n + 0.5) * good.length) / 25));
    for (const at of flips) {
      const changed = Buffer.from(good);
      changed[at] = changed[at]! ^ 0x41;
      writeFileSync(bad, changed);
      await refused(scene.restore(bad, { dataDir }), "damaged");
    }
    for (const length of [0, 10, good.length / 2, good.length - 100]) {
      writeFileSync(bad, good.subarray(0, length));
      await refused(scene.restore(bad, { dataDir }), "");
    }
    expect(readdirSync(dataDir)).toEqual([]);
  }, 60_000);

  test("what is no backup is refused", async () => {
    using scene = new Scene();
    const path = join(scene.scratch.dir, "other");
    await refused(scene.restore(path, { force: true }), "There is no backup");
    writeFileSync(path, "text");
    await refused(scene.restore(path, { force: true }), "damaged");
    writeFileSync(path, zstdCompressSync(new Uint8Array(2048)));
    await refused(scene.restore(path, { force: true }), "empty");
    mkdirSync(join(scene.scratch.dir, "a"));
    await Bun.write(join(scene.scratch.dir, "a", "x"), "x");
    await Bun.$`tar -cf ${path}.tar -C ${scene.scratch.dir} a/x`.quiet();
    writeFileSync(path, zstdCompressSync(readFileSync(`${path}.tar`)));
    await refused(scene.restore(path, { force: true }), "no backup of Pinhole");
  });

  test("a backup of a later version is refused", async () => {
    using scene = new Scene();
    scene.scratch.database.sqlite.run(
      "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('later', 9e15)",
    );
    const { path } = await scene.take();
    const dataDir = join(scene.scratch.dir, "fresh");
    await refused(
      scene.restore(path, { dataDir }),
      "made by Pinhole 1.2.3, whose database this version cannot",
    );
    expect(existsSync(join(dataDir, "pinhole.sqlite"))).toBe(false);
  });

  test("tar and zstd of any system open a backup, should all else be lost", async () => {
    using scene = new Scene();
    const { path } = await scene.take();
    const tar = Bun.zstdDecompressSync(readFileSync(path));
    const child = Bun.spawn(["tar", "-xO", "pinhole.sqlite"], { stdin: tar, stdout: "pipe" });
    const bytes = await child.stdout.bytes();
    expect(new TextDecoder().decode(bytes.subarray(0, 15))).toBe("SQLite format 3");
    expect(await unpack(path)).toMatchObject({ files: { "pinhole.sqlite": { bytes: bytes.length } } });
  });
});

test.each([
  ["[]", "an object"],
  ['{"format":2}', "format 1"],
  ["{", "no JSON"],
  ['{"format":1,"takenAt":"x"}', "takenAt"],
])("a manifest that is none: %s", (text, expected) => {
  expect(() => parseManifestText(text)).toThrow(expected);
});

test("a manifest cannot name other files", () => {
  const digest = { bytes: 1, sha256: "ab".repeat(32) };
  const manifest = {
    format: 1,
    takenAt: new Date(0).toISOString(),
    pinhole: "1",
    schemaVersion: 1,
    rows: {},
  };
  const text = (files: object) => JSON.stringify({ ...manifest, files });
  expect(parseManifestText(text({ "pinhole.sqlite": digest })).schemaVersion).toBe(1);
  expect(() => parseManifestText(text({ "pinhole.sqlite": digest, "../x": digest }))).toThrow('"../x"');
  expect(() => parseManifestText(text({ "client-key.secret": digest }))).toThrow("pinhole.sqlite");
});
