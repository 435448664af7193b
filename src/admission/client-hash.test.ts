import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientHash, loadSecret } from "./client-hash.ts";

const root = mkdtempSync(join(tmpdir(), "pinhole-client-hash-"));
afterAll(() => rmSync(root, { recursive: true }));

describe("clientHash", () => {
  test("is HMAC-SHA-256, truncated to 16 bytes", () => {
    // printf 'Hi There' | openssl dgst -sha256 -mac HMAC -macopt hexkey:<0b, 32 times>
    const hash = clientHash(new Uint8Array(32).fill(0x0b));
    expect(hash("Hi There")).toBe("198a607eb44bfbc69903a0f1cf2bbdc5");
  });

  test("differs by client and by secret", () => {
    const one = clientHash(new Uint8Array(32).fill(1));
    const other = clientHash(new Uint8Array(32).fill(2));
    expect(one("192.0.2.1")).toBe(one("192.0.2.1"));
    expect(one("192.0.2.1")).not.toBe(one("192.0.2.2"));
    expect(one("192.0.2.1")).not.toBe(other("192.0.2.1"));
  });

  test("refuses a short secret", () => {
    expect(() => clientHash(new Uint8Array(31))).toThrow("32 bytes");
  });
});

describe("loadSecret", () => {
  test("makes the directory and the secret, readable by the server's user only, and finds them again", () => {
    const dataDir = join(root, "new", "data");
    const secret = loadSecret(dataDir);
    expect(secret.length).toBe(32);
    expect(loadSecret(dataDir)).toEqual(secret);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dataDir, "client-key.secret")).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(["client-key.secret"]);
  });

  test("refuses a damaged file instead of replacing it", () => {
    const dataDir = join(root, "damaged");
    loadSecret(dataDir);
    writeFileSync(join(dataDir, "client-key.secret"), "short");
    expect(() => loadSecret(dataDir)).toThrow("it holds 5");
  });

  test("processes that start together end with the same secret", async () => {
    const dataDir = join(root, "together");
    const script = `
      import { loadSecret } from ${JSON.stringify(join(import.meta.dir, "client-hash.ts"))};
      console.log(loadSecret(${JSON.stringify(dataDir)}).toHex());`;
    const secrets = await Promise.all(
      Array.from({ length: 6 }, () => {
        const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
        return new Response(child.stdout).text();
      }),
    );
    expect(secrets[0]).toMatch(/^[0-9a-f]{64}\n$/);
    expect(new Set(secrets).size).toBe(1);
    expect(readdirSync(dataDir)).toEqual(["client-key.secret"]);
  });
});
