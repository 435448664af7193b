import { BackupError } from "./backup-error.ts";

/**
 * Just enough of POSIX.1-1988 ustar to write and read plain files, so that any tar can open a backup.
 * A file of 8 GiB or more has its size in base 256, as GNU tar writes it.
 */

const BLOCK_BYTES = 512;
const SIZE_AT = 124;
const SIZE_BYTES = 12;
const CHECKSUM_AT = 148;
const OCTAL_MAX = 8 ** 11;

/** A file to write. `content` yields exactly `bytes` bytes. */
export interface TarFile {
  /** At most 100 ASCII characters. */
  name: string;
  bytes: number;
  /** Seconds since the epoch. */
  modifiedAt: number;
  content: AsyncIterable<Uint8Array>;
}

/** A file that is read: `content` must be read to its end before the next one comes. */
export interface TarEntry {
  name: string;
  bytes: number;
  content: AsyncIterable<Uint8Array>;
}

/** @throws when a file does not yield the bytes that it promised */
export async function* writeTar(files: readonly TarFile[]): AsyncGenerator<Uint8Array> {
  for (const file of files) {
    yield header(file);
    let written = 0;
    for await (const chunk of file.content) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== file.bytes) throw new Error(`${file.name}: ${written} bytes instead of ${file.bytes}`);
    if (written % BLOCK_BYTES > 0) yield new Uint8Array(BLOCK_BYTES - (written % BLOCK_BYTES));
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}

/** @throws BackupError where the archive is damaged, ends early, or holds anything but plain files */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(source);
  for (;;) {
    const block = await reader.exactly(BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) return;
    const { name, bytes } = parseHeader(block);
    yield { name, bytes, content: reader.stream(bytes) };
    await reader.exactly((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
  }
}

function header({ name, bytes, modifiedAt }: TarFile): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  put(0, name);
  put(100, octal(0o600, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  if (bytes < OCTAL_MAX) put(SIZE_AT, octal(bytes, 11));
  else {
    block[SIZE_AT] = 0x80;
    new DataView(block.buffer).setBigUint64(SIZE_AT + 4, BigInt(bytes));
  }
  put(136, octal(modifiedAt, 11));
  put(156, "0");
  put(257, "ustar\u000000");
  put(CHECKSUM_AT, `${octal(checksum(block), 6)} `);
  return block;
}

function parseHeader(block: Uint8Array): { name: string; bytes: number } {
  const text = (from: number, length: number) => {
    const field = block.subarray(from, from + length);
    const end = field.indexOf(0);
    return new TextDecoder("latin1").decode(end < 0 ? field : field.subarray(0, end));
  };
  if (Number.parseInt(text(CHECKSUM_AT, 8), 8) !== checksum(block))
    throw new BackupError("The archive is damaged: a header does not have its checksum.");
  const type = text(156, 1);
  if (type !== "0" && type !== "")
    throw new BackupError("The archive holds something else than plain files.");
  const long = block[SIZE_AT] === 0x80;
  const view = new DataView(block.buffer, block.byteOffset);
  const bytes = long ? Number(view.getBigUint64(SIZE_AT + 4)) : Number.parseInt(text(SIZE_AT, SIZE_BYTES), 8);
  return { name: text(0, 100), bytes };
}

/** Sum of a header's bytes, with spaces where the sum itself goes. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= CHECKSUM_AT && at < CHECKSUM_AT + 8 ? 0x20 : byte), 0);
}

/** Cuts a stream of chunks where it is told to. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async exactly(bytes: number): Promise<Uint8Array> {
    const whole = new Uint8Array(bytes);
    let at = 0;
    for await (const chunk of this.stream(bytes)) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  async *stream(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; ) {
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done) throw new BackupError("The archive is cut off.");
        this.#rest = next.value;
        continue;
      }
      const chunk = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }
}
