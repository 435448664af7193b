import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const SECRET_FILE = "client-key.secret";
const SECRET_BYTES = 32;
const HASH_BYTES = 16;
/** Hashes that are remembered: one request asks for its client's three times. */
const REMEMBERED = 1024;

/**
 * Names a client in logs, records and statistics: HMAC-SHA-256 of its key under the server's secret, the first
 * 16 bytes, as 32 hexadecimal characters. A plain hash would not do: all IPv4 addresses are hashed in minutes.
 */
export type ClientHash = (clientKey: string) => string;

/** @param secret at least 32 random bytes */
export function clientHash(secret: Uint8Array): ClientHash {
  if (secret.length < SECRET_BYTES) {
    throw new Error(`The secret of the client hash needs ${SECRET_BYTES} bytes; it has ${secret.length}.`);
  }
  const remembered = new Map<string, string>();
  return (clientKey) => {
    const known = remembered.get(clientKey);
    if (known !== undefined) return known;
    const hash = new Bun.CryptoHasher("sha256", secret).update(clientKey).digest();
    const text = hash.subarray(0, HASH_BYTES).toHex();
    // Cheaper than to know which was unused longest: whoever asks often is soon back.
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(clientKey, text);
    return text;
  };
}

/**
 * Reads the secret of the data directory, and makes it at the first start: 32 random bytes that only the
 * server's user may read. Processes that start together end with the same one: the file appears whole, and
 * only if none is there.
 * @throws when the directory cannot be written or the file does not hold 32 bytes
 */
export function loadSecret(dataDir: string): Uint8Array {
  const path = join(dataDir, SECRET_FILE);
  const secret = readIfThere(path) ?? createSecret(dataDir, path);
  if (secret.length !== SECRET_BYTES) {
    throw new Error(
      `${path} must hold ${SECRET_BYTES} bytes; it holds ${secret.length}. Without it a new one is made, ` +
        "and clients get other names in records from then on.",
    );
  }
  return secret;
}

function createSecret(dataDir: string, path: string): Uint8Array {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    const file = openSync(temporary, "wx", 0o600);
    try {
      writeSync(file, randomBytes(SECRET_BYTES));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(temporary, path);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  return readFileSync(path);
}

function readIfThere(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
