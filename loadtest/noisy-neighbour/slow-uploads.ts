import { connect } from "node:net";

const PIECES = 20;
const PIECE_EVERY_MS = 300;

interface Ended {
  status: string;
  retryAfterSeconds: number;
}

/** Uploads of one client that trickle in, one after another on each connection, until it is disposed of. */
export class SlowUploads implements Disposable {
  /** By status; "cut" where the connection ended without an answer. */
  readonly answers = new Map<string, number>();
  #over = false;

  constructor(options: { port: number; address: string; uploads: number; body: Uint8Array }) {
    for (let number = 0; number < options.uploads; number++) void this.#go(options, number);
  }

  [Symbol.dispose](): void {
    this.#over = true;
  }

  async #go(options: { port: number; address: string; body: Uint8Array }, number: number): Promise<void> {
    await Bun.sleep((number * PIECE_EVERY_MS) / 40);
    while (!this.#over) {
      const { status, retryAfterSeconds } = await this.#upload(options);
      if (status === "over") return;
      this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
      // Whoever was refused comes back when it was told to, or a little later: people are not in step.
      if (retryAfterSeconds > 0) await Bun.sleep(1000 * (retryAfterSeconds + Math.random()));
    }
  }

  /** @returns `status`: the answer's, "cut", or "over" where it was given up half-way */
  #upload({ port, address, body }: { port: number; address: string; body: Uint8Array }): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<Ended>();
    const socket = connect({ port, host: "127.0.0.1", localAddress: address });
    let at = 0;
    const step = Math.ceil(body.length / PIECES);
    const timer = setInterval(() => {
      if (this.#over) end("over");
      else if (at < body.length) {
        socket.write(body.subarray(at, at + step));
        at += step;
      }
    }, PIECE_EVERY_MS);
    const end = (status: string, retryAfterSeconds = 0) => {
      clearInterval(timer);
      socket.destroy();
      resolve({ status, retryAfterSeconds });
    };
    socket.once("connect", () =>
      socket.write(
        `POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: ${body.length}\r\n\r\n`,
      ),
    );
    socket.on("data", (data) => {
      const head = data.toString("latin1");
      end(
        /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? "cut",
        Number(/^retry-after: (\d+)/im.exec(head)?.[1] ?? 0),
      );
    });
    socket.on("error", () => end("cut"));
    socket.on("close", () => end("cut"));
    return promise;
  }
}
