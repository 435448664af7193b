import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../test/manual-clock.ts";
import { ScratchDatabase } from "../../test/scratch-database.ts";
import { randomId, systemClock } from "../clock.ts";
import { checkDatabase } from "./database.ts";
import { checkDescriptors, descriptorLimit } from "./descriptors.ts";
import { checkDisk, roomOf } from "./disk.ts";
import { type Finding, findingsText } from "./finding.ts";
import { checkMemory, type MemoryNeed, memoryNeed } from "./memory.ts";
import { checkModels } from "./models.ts";
import { nearestFolder } from "./nearest-folder.ts";
import { checkPermissions } from "./permissions.ts";
import { checkPort } from "./port.ts";
import { checkProxy } from "./proxy.ts";
import { checkReporting } from "./reporting.ts";
import { checkSecrets, estimateBits } from "./secrets.ts";
import { checkTime } from "./time.ts";

const MIB = 1024 * 1024;
const MODELS = "test/fixtures/models";

/** "fail: what was found", one for each finding; every one that is not ok says what to do. */
function told(findings: readonly Finding[]): string[] {
  for (const { verdict, advice } of findings) expect(advice === null).toBe(verdict === "ok");
  return findings.map(({ verdict, found }) => `${verdict}: ${found}`);
}

const one = (findings: readonly Finding[]) => {
  expect(findings).toHaveLength(1);
  return told(findings)[0]!;
};

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "pinhole-preflight-"));
  [Symbol.dispose]() {
    rmSync(this.path, { recursive: true });
  }
}

describe("models", () => {
  test("all read, the default named", async () => {
    expect(one(await checkModels(MODELS, "rgb-float32"))).toMatch(
      /^ok: .*; by default rgb-float32\/1\.1\.0$/,
    );
  });

  test("a missing default, an empty folder, no folder", async () => {
    expect(one(await checkModels(MODELS, "none"))).toContain("fail: default model: expected one of");
    using folder = new Folder();
    expect(one(await checkModels(folder.path, "x"))).toContain("for at least one model, received none");
    expect(one(await checkModels(join(folder.path, "x"), "x"))).toEndWith("x: ENOENT");
  });

  test("a file that is not what its manifest says", async () => {
    using folder = new Folder();
    await Bun.$`cp -r ${MODELS}/rgb-float32 ${folder.path}`.quiet();
    writeFileSync(join(folder.path, "rgb-float32/1.0.0/model.onnx"), "changed");
    expect(one(await checkModels(folder.path, "rgb-float32"))).toMatch(
      /^fail: rgb-float32.*digest of model\.onnx/,
    );
  });
});

describe("database", () => {
  const check = (path: string, thorough = false) => checkDatabase(path, { thorough });

  test("none yet, and one that is migrated", () => {
    using scratch = new ScratchDatabase();
    expect(one(check(scratch.path))).toMatch(/^ok: .* MiB, writable, migrated, whole$/);
    expect(one(check(join(scratch.dir, "a", "b", "c.sqlite")))).toEndWith("will be made");
  });

  test("one that is behind is migrated at the start", () => {
    using folder = new Folder();
    const path = join(folder.path, "x.sqlite");
    writeFileSync(path, "");
    expect(one(check(path))).toMatch(/^ok: .*1 migration\(s\) to apply/);
  });

  test("one of a newer version, and another program's", () => {
    using scratch = new ScratchDatabase();
    scratch.database.sqlite.run("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('later', 9e15)");
    expect(one(check(scratch.path))).toBe("fail: a newer version wrote it: 2 migrations, 1 are known here");
    scratch.database.sqlite.run("UPDATE __drizzle_migrations SET hash = 'x'");
    expect(one(check(scratch.path))).toContain("fail: it was not made by this version");
  });

  test("damaged: a page, or all of it", () => {
    using scratch = new ScratchDatabase();
    scratch.database.sqlite.run("PRAGMA wal_checkpoint(TRUNCATE)");
    using folder = new Folder();
    const path = join(folder.path, "x.sqlite");
    const bytes = Bun.mmap(scratch.path).slice();
    // The first page holds the header and the schema; what comes after it are the tables.
    bytes.fill(0xff, 4096 * 3);
    writeFileSync(path, bytes);
    expect(one(check(path))).toMatch(/^fail: .*(is damaged|malformed)/);
    writeFileSync(path, "no database ".repeat(500));
    expect(one(check(path))).toContain("not a database");
  });

  test("somebody who does not stop writing", () => {
    using scratch = new ScratchDatabase();
    scratch.database.sqlite.run("BEGIN IMMEDIATE");
    expect(one(check(scratch.path))).toStartWith("warn: another process is writing it");
    scratch.database.sqlite.run("ROLLBACK");
  });

  test("a folder that cannot be written", () => {
    const access = () => {
      throw new Error("EACCES");
    };
    expect(one(checkDatabase("/x.sqlite", { thorough: false, access }))).toBe("fail: / cannot be written");
  });
});

test("disk: bytes and inodes, where the data will be", () => {
  const room = (bytes: number, files = 10) => checkDisk("/data", { bytes, files, filesMax: 10 });
  expect(one(room(600 * MIB))).toBe("ok: 600 MiB free for /data");
  expect(one(room(500 * MIB))).toStartWith("warn: 500 MiB free");
  expect(one(room(63 * MIB))).toStartWith("fail: 63 MiB free");
  expect(one(room(600 * MIB, 0))).toContain("no inodes");
  expect(one(checkDisk("/x", { bytes: 600 * MIB, files: 0, filesMax: 0 }))).toStartWith("ok");
  expect(roomOf("/tmp/not/there/yet").bytes).toBeGreaterThan(0);
  expect(nearestFolder("/tmp/not/there/yet")).toBe("/tmp");
});

describe("memory", () => {
  const need: MemoryNeed = {
    processes: 1,
    workers: 2,
    decodes: 2,
    modelBytes: 10 * MIB,
    cacheBytes: 64 * MIB,
    queueBytes: 512 * MIB,
    progressivePixels: 25_000_000,
  };

  test("to start, and full", () => {
    const { start, full } = memoryNeed(need);
    expect(start).toBe((125 + 2 * (40 + 20)) * MIB);
    expect(full).toBe(start + 576 * MIB + 2 * 25_000_000 * 7.5);
    expect(one(checkMemory(need, 2048 * MIB))).toStartWith("ok: 2048 MiB available, about 245 MiB");
    expect(one(checkMemory(need, 1000 * MIB))).toStartWith("warn: 1000 MiB available, up to about 1179 MiB");
    expect(one(checkMemory(need, 200 * MIB))).toStartWith("fail: 200 MiB available, about 245 MiB");
    expect(memoryNeed({ ...need, processes: 3 })).toEqual({ start: 3 * start, full: 3 * full });
  });
});

test("open files: one for each request that is served and each body that is read, as many as are served besides", () => {
  const need = { queueCapacity: 256, readConcurrency: 400, workers: 2 };
  const check = (limit: number | null) => one(checkDescriptors(limit, need));
  expect(check(1024)).toBe("ok: 1024 allowed, 992 wanted: 256 served and 400 read at once, 2 workers");
  expect(check(500)).toStartWith("warn: 500 allowed");
  expect(check(300)).toStartWith("fail: 300 allowed");
  expect(check(null)).toStartWith("ok");
  expect(
    descriptorLimit(() => "Max open files            1024                 4096                 files"),
  ).toBe(1024);
  expect(descriptorLimit(() => "Max open files            unlimited  unlimited files")).toBe(Infinity);
  expect(descriptorLimit()).toBeGreaterThan(0);
  const none = () => {
    throw new Error("ENOENT");
  };
  expect(descriptorLimit(none)).toBeNull();
});

test("port: free, taken, elsewhere", async () => {
  using listener = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  const { port } = listener;
  expect(one(await checkPort("127.0.0.1", port!))).toBe(`fail: 127.0.0.1:${port} is taken`);
  expect(one(await checkPort("127.0.0.1", 0))).toStartWith("ok");
  expect(one(await checkPort("192.0.2.1", 8080))).toBe("fail: this machine has no address 192.0.2.1");
  await listener.stop(true);
  expect(one(await checkPort("127.0.0.1", port!))).toBe(`ok: 127.0.0.1:${port} is free`);
});

describe("proxy", () => {
  const check = (settings: Partial<Parameters<typeof checkProxy>[0]>) =>
    told(
      checkProxy({
        production: true,
        host: "0.0.0.0",
        trustedProxies: ["10.0.0.5"],
        hostsAllowed: ["pinhole.example"],
        ...settings,
      }),
    );

  test("trusted proxies that are none, or everybody", () => {
    expect(check({})).toEqual(["ok: trusts 10.0.0.5"]);
    expect(check({ trustedProxies: ["nginx", "10.0.0.1/8"] })).toEqual([
      'fail: PINHOLE_TRUSTED_PROXIES: "nginx" is no address and no range',
      'fail: PINHOLE_TRUSTED_PROXIES: "10.0.0.1/8" is no address and no range',
    ]);
    for (const all of ["0.0.0.0/0", "::/0"])
      expect(check({ trustedProxies: [all] })[0]).toStartWith("fail: PINHOLE_TRUSTED_PROXIES: ");
    expect(check({ trustedProxies: ["10.0.0.0/8", "fd00::/8"] })[0]).toStartWith("ok");
  });

  test("in production behind a proxy that is not trusted", () => {
    for (const host of ["127.0.0.1", "::1", "localhost"])
      expect(check({ host, trustedProxies: [] })[0]).toStartWith(`warn: listens on ${host}, so a proxy`);
    expect(check({ trustedProxies: [] })[0]).toStartWith("warn: no proxy is trusted");
    expect(check({ production: false, host: "127.0.0.1", trustedProxies: [], hostsAllowed: [] })).toEqual([
      "ok: trusts no proxy",
    ]);
  });

  test("in production any Host", () => {
    expect(check({ hostsAllowed: [] })).toEqual(["warn: any Host is answered"]);
  });
});

describe("secrets", () => {
  const random = "9f3b6d0c71e84a25bb0f6e1c2d93a874";
  const check = (changes: Partial<Parameters<typeof checkSecrets>[0]>) =>
    told(
      checkSecrets({
        production: true,
        operatorToken: random,
        backupS3AccessKey: "",
        backupS3SecretKey: "",
        envFiles: [],
        ...changes,
      }),
    );

  test("random ones are enough, always", () => {
    expect(check({})).toEqual(["ok: none that can be guessed or read"]);
    for (let n = 0; n < 1000; n++) expect(estimateBits(randomId())).toBeGreaterThan(80);
    for (let n = 0; n < 1000; n++)
      expect(estimateBits(crypto.getRandomValues(new Uint8Array(24)).toBase64())).toBeGreaterThan(80);
    expect(check({ operatorToken: `pinhole-${random}` })[0]).toStartWith("ok");
  });

  test.each([
    "change-me-change-me-change-me-change-me",
    "a".repeat(40),
    "ab".repeat(20),
    "operator-token-of-the-tests-0123456789",
    "0123456789abcdef0123456789abcdef",
    "passwordpasswordpasswordpassword1",
    "your-secret-operator-token-goes-here",
  ])("can be guessed: %s", (operatorToken) => {
    expect(check({ operatorToken })).toEqual(["fail: PINHOLE_OPERATOR_TOKEN can be guessed"]);
    expect(check({ operatorToken, production: false })[0]).toStartWith("warn");
  });

  test("none set; keys of a default installation; a file that others can read", () => {
    expect(check({ operatorToken: "" })[0]).toStartWith("warn: PINHOLE_OPERATOR_TOKEN is not set");
    expect(check({ operatorToken: "", production: false })[0]).toStartWith("ok");
    expect(check({ backupS3SecretKey: "minioadmin" })).toEqual([
      "fail: PINHOLE_BACKUP_S3_SECRET_KEY can be guessed",
    ]);
    using folder = new Folder();
    const path = join(folder.path, ".env");
    writeFileSync(path, "", { mode: 0o644 });
    chmodSync(path, 0o644);
    expect(check({ envFiles: [path, join(folder.path, "none")] })).toEqual([
      `warn: ${path} can be read by others`,
    ]);
    chmodSync(path, 0o600);
    expect(check({ envFiles: [path] })[0]).toStartWith("ok");
  });
});

describe("permissions", () => {
  test("of the directory, the secret and the database", () => {
    using folder = new Folder();
    const dataDir = join(folder.path, "data");
    expect(one(checkPermissions(dataDir))).toEndWith("will be made for its owner only");
    mkdirSync(dataDir, { mode: 0o700 });
    expect(one(checkPermissions(dataDir))).toStartWith("ok");
    chmodSync(dataDir, 0o755);
    expect(one(checkPermissions(dataDir))).toEndWith("can be entered by others");
    chmodSync(dataDir, 0o777);
    expect(one(checkPermissions(dataDir))).toEndWith("can be changed by everybody");
    chmodSync(dataDir, 0o700);
    const secret = join(dataDir, "client-key.secret");
    writeFileSync(secret, "short");
    chmodSync(secret, 0o640);
    writeFileSync(join(dataDir, "pinhole.sqlite"), "");
    chmodSync(join(dataDir, "pinhole.sqlite"), 0o644);
    const user = process.getuid!();
    expect(told(checkPermissions(dataDir, user))).toEqual([
      "fail: client-key.secret can be read by others, who can then find out clients' addresses",
      "fail: client-key.secret has 5 bytes instead of 32",
      "warn: pinhole.sqlite can be read by others",
    ]);
    expect(told(checkPermissions(dataDir, user + 1)).at(-1)).toBe(
      `fail: pinhole.sqlite belongs to another user (${user})`,
    );
    expect(one(checkPermissions(secret))).toEndWith("is no directory");
  });

  test("a link to a directory is what it points to", () => {
    using folder = new Folder();
    symlinkSync(folder.path, join(folder.path, "link"));
    expect(one(checkPermissions(join(folder.path, "link")))).toStartWith("ok");
  });
});

test("clock: before this program was made, before the database was written", () => {
  using folder = new Folder();
  const path = join(folder.path, "pinhole.sqlite");
  expect(one(checkTime(systemClock, path))).toStartWith("ok");
  expect(one(checkTime({ ...systemClock, wall: () => 0 }, path))).toBe(
    "fail: it shows 1970-01-01T00:00:00.000Z",
  );
  writeFileSync(path, "");
  const clock = new ManualClock();
  const seconds = Date.UTC(2026, 5, 1) / 1000;
  utimesSync(path, seconds, seconds);
  const wall = (ms: number) => ({ ...systemClock, now: () => clock.now(), wall: () => seconds * 1000 + ms });
  expect(one(checkTime(wall(-60_000), path))).toStartWith("ok");
  expect(one(checkTime(wall(-600_000), path))).toContain("warn: it shows 2026-05-31T23:50:00.000Z");
});

test("reporting: what ONNX Runtime tells its maker", () => {
  expect(one(checkReporting(true))).toStartWith("ok");
  expect(one(checkReporting(false))).toStartWith("warn");
});

test("findings as text: a line each, what to do below, a count at the end", () => {
  const text = findingsText([
    { check: "disk", verdict: "ok", found: "fine", advice: null },
    { check: "models", verdict: "fail", found: "one\ntwo", advice: "Mend it." },
  ]);
  expect(text).toBe(
    [
      "  ok   disk    fine",
      " FAIL  models  one",
      "               two",
      "               -> Mend it.",
      "1 ok, 0 to look at, 1 failed",
    ].join("\n"),
  );
});
