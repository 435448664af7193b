import { basename } from "node:path";
import type { LoadJob } from "./job.ts";

const BOUNDARY = "----pinhole-bench-7d1f0c35";
/** Written together with its head up to this size: one packet more costs more than the copy. */
const COPIED_BYTES = 256 * 1024;
const UTF8 = new TextEncoder();

/** Requests as they go over the wire, for one connection; bodies are shared by all of them. */
export class Requests {
  readonly #heads: Uint8Array[];
  readonly #bodies: readonly Uint8Array[];
  readonly #scratch = new Uint8Array(COPIED_BYTES);

  /**
   * @param client each connection speaks for a client of its own, from the addresses kept for benchmarks
   *   (RFC 2544), to those who trust the header
   */
  constructor(job: LoadJob, bodies: readonly Uint8Array[], client: number) {
    const { host, pathname, search } = new URL(job.url);
    const address = `198.18.${(client >> 8) & 255}.${client & 255}`;
    const common = `${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: ${address}\r\n`;
    this.#bodies = bodies;
    this.#heads =
      job.bodies === null
        ? [UTF8.encode(`GET ${common}\r\n`)]
        : bodies.map(({ length }) =>
            UTF8.encode(`POST ${common}Content-Type: ${wireType(job)}\r\nContent-Length: ${length}\r\n\r\n`),
          );
  }

  /** The `index`th request, bodies taken in turn. The memory is valid until the next call. */
  at(index: number): readonly Uint8Array[] {
    const head = this.#heads[index % this.#heads.length]!;
    const body = this.#bodies[index % this.#heads.length];
    if (body === undefined) return [head];
    if (head.length + body.length > COPIED_BYTES) return [head, body];
    this.#scratch.set(head);
    this.#scratch.set(body, head.length);
    return [this.#scratch.subarray(0, head.length + body.length)];
  }
}

/** Reads the job's files, each as the body of a request. */
export async function readBodies({ bodies }: LoadJob): Promise<Uint8Array[]> {
  if (bodies === null) return [];
  return Promise.all(
    bodies.files.map(async (file) => {
      const bytes = await Bun.file(file).bytes();
      if (bodies.formField === null) return bytes;
      const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${bodies.formField}"; filename="${basename(file)}"\r\nContent-Type: ${bodies.contentType}\r\n\r\n`;
      return new Uint8Array(
        Buffer.concat([UTF8.encode(head), bytes, UTF8.encode(`\r\n--${BOUNDARY}--\r\n`)]),
      );
    }),
  );
}

function wireType({ bodies }: LoadJob): string {
  return bodies!.formField === null ? bodies!.contentType : `multipart/form-data; boundary=${BOUNDARY}`;
}
