import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { BackupError } from "./backup-error.ts";
import {
  type BackupManifest,
  DATABASE,
  type FileDigest,
  MANIFEST,
  manifestText,
  parseManifestText,
  SECRET,
} from "./contents.ts";
import { readTar, type TarEntry, type TarFile, writeTar } from "./tar.ts";

const CHUNK_BYTES = 1024 * 1024;
const MANIFEST_MAX_BYTES = 64 * 1024;

/** SHA-256 and length of what streams by. */
export async function digestOf(source: AsyncIterable<Uint8Array>): Promise<FileDigest> {
  const hash = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

export const readFileInPieces = (path: string): AsyncIterable<Uint8Array> =>
  createReadStream(path, { highWaterMark: CHUNK_BYTES });

/**
 * Writes a backup, tar in zstd, and waits until it is on the disk.
 * @param folder holds the files that the manifest names
 */
export async function pack(
  manifest: Omit<BackupManifest, "format">,
  folder: string,
  to: string,
): Promise<void> {
  const modifiedAt = Math.floor(Date.parse(manifest.takenAt) / 1000);
  const head = new TextEncoder().encode(manifestText(manifest));
  const files: TarFile[] = [
    { name: MANIFEST, bytes: head.length, modifiedAt, content: Readable.from([head]) },
    ...[SECRET, DATABASE]
      .filter((name) => name in manifest.files)
      .map((name) => ({
        name,
        bytes: manifest.files[name]!.bytes,
        modifiedAt,
        content: readFileInPieces(join(folder, name)),
      })),
  ];
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  await pipeline(Readable.from(writeTar(files)), zstd, createWriteStream(to, { mode: 0o600 }));
  const written = await open(to, "r");
  try {
    await written.sync();
  } finally {
    await written.close();
  }
}

/** Only what a backup says of itself, read from its beginning. */
export async function readManifest(path: string): Promise<BackupManifest> {
  for await (const entry of entriesOf(path)) return await manifestOf(entry);
  throw new BackupError(`${path} is empty.`);
}

/**
 * Reads a whole backup and compares every file with its digest.
 * @param folder where the files go, each readable by its owner only and synced; left out: they are only checked
 * @param onManifest told before the first file; what it throws ends the reading
 * @throws BackupError when anything is not as the manifest says
 */
export async function unpack(
  path: string,
  { folder, onManifest }: { folder?: string; onManifest?: (manifest: BackupManifest) => Promise<void> } = {},
): Promise<BackupManifest> {
  let manifest: BackupManifest | undefined;
  const seen = new Set<string>();
  for await (const entry of entriesOf(path)) {
    if (!manifest) {
      manifest = await manifestOf(entry);
      await onManifest?.(manifest);
      continue;
    }
    const expected = manifest.files[entry.name];
    if (!expected || seen.has(entry.name)) throw damaged(`it holds ${JSON.stringify(entry.name)}`);
    seen.add(entry.name);
    if (entry.bytes !== expected.bytes) throw damaged(`${entry.name} is not as long as the manifest says`);
    const content = folder ? writeThrough(entry.content, join(folder, entry.name)) : entry.content;
    const { sha256 } = await digestOf(content);
    if (sha256 !== expected.sha256) throw damaged(`${entry.name} does not have the digest of the manifest`);
  }
  if (!manifest) throw damaged("it is empty");
  const missing = Object.keys(manifest.files).find((name) => !seen.has(name));
  if (missing !== undefined) throw damaged(`${missing} is missing`);
  return manifest;
}

const damaged = (what: string) => new BackupError(`The backup is damaged: ${what}.`);

async function* entriesOf(path: string): AsyncGenerator<TarEntry> {
  const source = decompressed(path);
  try {
    yield* readTar(source);
    // Only at its very end does the stream say whether its checksum is right.
    while (!(await source.next()).done);
  } finally {
    await source.return(undefined);
  }
}

async function* decompressed(path: string): AsyncGenerator<Uint8Array> {
  const zstd = createZstdDecompress();
  const done = pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), zstd);
  // It is awaited below, too late for the runtime, which takes an error without a listener for a crash.
  done.catch(() => undefined);
  try {
    yield* zstd;
    await done;
  } catch (thrown) {
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
    if (code === "ENOENT") throw new BackupError(`There is no backup ${path}.`);
    if (/^(ZSTD_|Z_|ERR_STREAM_PREMATURE_CLOSE)/.test(code))
      throw damaged(`it cannot be decompressed (${code})`);
    throw thrown;
  } finally {
    zstd.destroy();
  }
}

async function manifestOf({ name, bytes, content }: TarEntry): Promise<BackupManifest> {
  if (name !== MANIFEST || bytes > MANIFEST_MAX_BYTES)
    throw new BackupError(`This is no backup of Pinhole: ${MANIFEST} is not its first file.`);
  const chunks = await Array.fromAsync(content);
  return parseManifestText(new TextDecoder().decode(Buffer.concat(chunks)));
}

async function* writeThrough(source: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of source) {
      await file.writeFile(chunk);
      yield chunk;
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
