import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { type FileHandle, mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../clock.ts";
import { LineQueue } from "./line-queue.ts";

/** Only the server's user and its group may read logs. */
const MODE = 0o640;

export interface RotatingFileOptions {
  path: string;
  /** The file is rotated before it is larger than this; only a single write can be larger. */
  maxBytes: number;
  /** The file is rotated at the first write after it has become older than this. */
  maxAgeMs: number;
  /** Rotated files that stay: `path.1` is the newest. */
  kept: number;
  clock: Clock;
  /** Told when a write or a rotation fails, once until one succeeds again. */
  onTrouble(error: unknown): void;
}

/**
 * A log file that lines are appended to off the caller's path, and that is turned by size and by age. What
 * cannot be written is counted and forgotten. One process writes to a path.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  readonly #queue: LineQueue;
  #file: FileHandle | null = null;
  #size = 0;
  #bornAt = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.#queue = new LineQueue({
      append: (lines, bytes) => this.#append(lines, bytes),
      appendSync: (lines) => this.#appendSync(lines),
      maxBytes: options.maxBytes,
      onTrouble: options.onTrouble,
    });
  }

  /** Lines that could not be written. */
  get lost(): number {
    return this.#queue.lost;
  }

  /** @param line with its newline */
  write(line: string): void {
    this.#queue.write(line);
  }

  /** Resolves when everything written so far is on the disk, or lost. */
  flush(): Promise<void> {
    return this.#queue.flush();
  }

  /** For a process that ends at once: what still waits is written before this returns, best effort. */
  flushSync(): void {
    this.#queue.flushSync();
  }

  /** Flushes and gives the file back; a later line opens it again. */
  async close(): Promise<void> {
    await this.flush();
    await this.#file?.close().catch(() => undefined);
    this.#file = null;
  }

  async #append(lines: string, bytes: number): Promise<void> {
    try {
      const file = await this.#fileFor(bytes);
      await file.appendFile(lines);
      this.#size += bytes;
    } catch (error) {
      await this.#file?.close().catch(() => undefined);
      this.#file = null;
      throw error;
    }
  }

  #appendSync(lines: string): void {
    const { path } = this.#options;
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(path, "a", MODE);
    writeSync(file, lines);
    closeSync(file);
  }

  /** The file to append `bytes` to: rotated first where it is full or old. */
  async #fileFor(bytes: number): Promise<FileHandle> {
    const { maxBytes, maxAgeMs, clock } = this.#options;
    this.#file ??= await this.#open();
    const full = this.#size + bytes > maxBytes;
    const old = clock.wall() - this.#bornAt > maxAgeMs;
    if (this.#size === 0 || !(full || old)) return this.#file;
    await this.#file.close();
    this.#file = null;
    await this.#shift();
    this.#file = await this.#open();
    return this.#file;
  }

  async #open(): Promise<FileHandle> {
    const { path, clock } = this.#options;
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, "a", MODE);
    const { size, birthtimeMs } = await file.stat();
    this.#size = size;
    // Some file systems know no birth time.
    this.#bornAt = size > 0 && birthtimeMs > 0 ? birthtimeMs : clock.wall();
    return file;
  }

  /** `path` becomes `path.1`, `path.1` becomes `path.2`, and so on; the last one is replaced. */
  async #shift(): Promise<void> {
    const { path, kept } = this.#options;
    for (let index = kept - 1; index >= 1; index--)
      await rename(`${path}.${index}`, `${path}.${index + 1}`).catch(ignoreMissing);
    await rename(path, `${path}.1`).catch(ignoreMissing);
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as { code?: unknown }).code !== "ENOENT") throw error;
}
