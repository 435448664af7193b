import { digestOf, readFileInPieces } from "./archive.ts";
import { BackupError } from "./backup-error.ts";
import { takenAt } from "./backup-name.ts";
import type { StoredBackup } from "./folder.ts";

export interface S3StoreOptions {
  /** URL of the service. */
  endpoint: string;
  bucket: string;
  /** Before the names of the backups; empty or ending with "/". */
  prefix: string;
  accessKey: string;
  secretKey: string;
  region: string;
}

/** Backups in a bucket of S3, or of whatever speaks its protocol. An object appears whole or not at all. */
export class S3Store {
  readonly #client: Bun.S3Client;
  readonly #prefix: string;
  readonly #bucket: string;

  constructor({ endpoint, bucket, prefix, accessKey, secretKey, region }: S3StoreOptions) {
    this.#prefix = prefix;
    this.#bucket = bucket;
    this.#client = new Bun.S3Client({
      endpoint,
      bucket,
      region,
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
    });
  }

  /**
   * Sends a backup and reads it back.
   * @throws BackupError when it cannot be sent, or what comes back is something else; that is removed then
   */
  async put(path: string, name: string): Promise<void> {
    const key = this.#prefix + name;
    const sent = await digestOf(readFileInPieces(path));
    const came = await this.#ask(`send ${name}`, async () => {
      await this.#client.write(key, Bun.file(path), { type: "application/zstd" });
      return digestOf(this.#client.file(key).stream());
    });
    if (came.sha256 === sent.sha256) return;
    await this.remove(name);
    throw new BackupError(
      `What came back of ${name} is not what was sent to ${this.#bucket}; it was removed.`,
    );
  }

  /** Oldest first. */
  async list(): Promise<StoredBackup[]> {
    const backups: StoredBackup[] = [];
    let startAfter: string | undefined;
    do {
      const from = startAfter;
      const page = await this.#ask("list", () =>
        this.#client.list({ prefix: this.#prefix, ...(from === undefined ? {} : { startAfter: from }) }),
      );
      for (const { key, size } of page.contents ?? []) {
        const name = key.slice(this.#prefix.length);
        const instant = takenAt(name);
        if (instant !== null) backups.push({ name, bytes: size ?? 0, takenAt: instant });
      }
      startAfter = page.isTruncated ? page.contents?.at(-1)?.key : undefined;
    } while (startAfter !== undefined);
    return backups.sort((a, b) => a.takenAt - b.takenAt);
  }

  /** @throws BackupError when there is none of that name */
  async download(name: string, to: string): Promise<void> {
    await this.#ask(`fetch ${name}`, async () => {
      const sink = Bun.file(to).writer();
      for await (const chunk of this.#client.file(this.#prefix + name).stream()) {
        sink.write(chunk);
        await sink.flush();
      }
      await sink.end();
    });
  }

  async remove(name: string): Promise<void> {
    await this.#ask(`remove ${name}`, () => this.#client.delete(this.#prefix + name));
  }

  async #ask<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      throw new BackupError(`S3 bucket ${this.#bucket}: cannot ${what}: ${message}${code && ` (${code})`}`, {
        cause: thrown,
      });
    }
  }
}
