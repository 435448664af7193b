import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Judged, Opening } from "./worker.ts";

/**
 * `bun server.ts <folder of a model> <worker|server> <workers>`: the least of a server around the bare loop, which
 * decodes 256 x 256 JPEGs in its workers or before them. Its port is its first line.
 */

const SIDE = 256;
const IN_FLIGHT = 2;

/** Off the JS thread, into a buffer for RGB u8 [256, 256, 3], which it returns. */
type Decode = (jpeg: Uint8Array, pixels: ArrayBuffer) => Promise<ArrayBuffer>;

interface Thread {
  worker: Worker;
  waiting: ((judged: Judged) => void)[];
}

if (import.meta.main) {
  const [folder, place, count] = process.argv.slice(2) as [string, "worker" | "server", string];
  const decode = place === "server" ? await decoder() : null;
  const threads = await Promise.all(
    Array.from({ length: Number(count) }, () => open({ folder, decodes: decode === null })),
  );
  const server = serve(threads, decode);
  console.log(server.port);
}

function serve(threads: readonly Thread[], decode: Decode | null) {
  const queue: { buffer: ArrayBuffer; resolve: (judged: Judged) => void }[] = [];
  const dispatch = () => {
    for (;;) {
      const thread = threads.reduce((least, one) =>
        one.waiting.length < least.waiting.length ? one : least,
      );
      if (queue.length === 0 || thread.waiting.length >= IN_FLIGHT) return;
      const { buffer, resolve } = queue.shift()!;
      thread.waiting.push((judged) => {
        resolve(judged);
        dispatch();
      });
      thread.worker.postMessage(buffer, [buffer]);
    }
  };
  const free: ArrayBuffer[] = [];
  const turns = { left: threads.length, waiting: [] as (() => void)[] };
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (turns.left === 0) await new Promise<void>((resolve) => turns.waiting.push(resolve));
    else turns.left--;
    try {
      return await work();
    } finally {
      const next = turns.waiting.shift();
      if (next === undefined) turns.left++;
      else next();
    }
  };
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const jpeg = await request.arrayBuffer();
      const buffer =
        decode === null
          ? jpeg
          : await inTurn(() => decode(new Uint8Array(jpeg), free.pop() ?? new ArrayBuffer(SIDE * SIDE * 3)));
      const judged = await new Promise<Judged>((resolve) => {
        queue.push({ buffer, resolve });
        dispatch();
      });
      if (decode !== null) free.push(judged.buffer);
      return Response.json({ best: judged.best });
    },
  });
}

async function open(opening: Opening): Promise<Thread> {
  const worker = new Worker(new URL("worker.ts", import.meta.url));
  const thread: Thread = { worker, waiting: [] };
  await new Promise<void>((resolve) => {
    worker.onmessage = () => resolve();
    worker.postMessage(opening);
  });
  worker.onmessage = ({ data }: MessageEvent<Judged>) => thread.waiting.shift()!(data);
  return thread;
}

async function decoder(): Promise<Decode> {
  const { default: koffi } = await import("koffi");
  const folder = dirname(fileURLToPath(import.meta.resolve("@julusian/jpeg-turbo/package.json")));
  const library = koffi.load(
    join(folder, "prebuilds", `jpeg-turbo-${process.platform}-${process.arch}`, "libturbojpeg.so.0"),
  );
  const init = library.func("void *tj3Init(int)");
  const decompress = library.func("int tj3Decompress8(void *, const uint8_t *, size_t, uint8_t *, int, int)");
  const idle: unknown[] = [];
  return (jpeg, pixels) =>
    new Promise((resolve, reject) => {
      const handle = idle.pop() ?? init(1);
      const target = new Uint8Array(pixels);
      decompress.async(handle, jpeg, jpeg.length, target, 0, 0, (error: Error | null, status: number) => {
        idle.push(handle);
        if (error === null && status === 0) resolve(pixels);
        else reject(error ?? new Error("libjpeg-turbo cannot decode this photograph"));
      });
    });
}
