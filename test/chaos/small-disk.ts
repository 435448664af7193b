import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";

const MIB = 1024 * 1024;

/** A file system of its own in memory, so that it can be filled without harm to anybody. Wants root. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async mount(path: string, mebibytes: number): Promise<SmallDisk> {
    await mkdir(path, { recursive: true });
    await command(["mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", path]);
    return new SmallDisk(path);
  }

  /** Takes the last byte that is free. */
  fill(): void {
    const file = openSync(this.#ballast, "a");
    try {
      for (let piece = Buffer.alloc(MIB); piece.length > 0; piece = piece.subarray(0, piece.length >> 1)) {
        while (fits(file, piece));
      }
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    unlinkSync(this.#ballast);
  }

  get #ballast(): string {
    return join(this.path, "ballast");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await command(["umount", this.path]);
    await rmdir(this.path);
  }
}

function fits(file: number, piece: Buffer): boolean {
  try {
    return writeSync(file, piece) === piece.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}

async function command(argv: string[]): Promise<void> {
  const child = Bun.spawn(argv, { stdout: "ignore", stderr: "pipe" });
  if ((await child.exited) === 0) return;
  throw new Error(`${argv.join(" ")}: ${(await new Response(child.stderr).text()).trim()}`);
}
