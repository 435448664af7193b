import { connect, type Socket } from "node:net";

export interface RawAnswer {
  status: number;
  /** Lower-case names. */
  headers: Map<string, string>;
  body: string;
}

/** A bare connection: for requests that no HTTP client would send. */
export class RawConnection {
  readonly #socket: Socket;
  #received = "";
  #closed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#received += chunk.toString("latin1");
      this.#wake();
    });
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
    socket.on("error", () => {});
  }

  /** @param from address of loopback: each is a client of its own */
  static open(port: number, from = "127.0.0.1"): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", localAddress: from });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawConnection(socket)));
    });
  }

  send(data: string | Uint8Array): void {
    if (!this.#closed) this.#socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  /** The next whole answer, or null where the connection closed before or `withinMs` passed. */
  async answer(withinMs = 20_000): Promise<RawAnswer | null> {
    const giveUpAt = performance.now() + withinMs;
    for (;;) {
      const answer = this.#takeAnswer();
      if (answer) return answer;
      const left = giveUpAt - performance.now();
      if (this.#closed || left <= 0) return null;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Without a farewell, as a phone in a tunnel does. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  /** Answers of ours declare their length; a 1xx has none. */
  #takeAnswer(): RawAnswer | null {
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return null;
    const [statusLine, ...lines] = this.#received.slice(0, headEnd).split("\r\n");
    const status = Number(statusLine?.split(" ")[1]);
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const length = status < 200 ? 0 : Number(headers.get("content-length") ?? 0);
    const from = headEnd + 4;
    if (this.#received.length < from + length) return null;
    const body = this.#received.slice(from, from + length);
    this.#received = this.#received.slice(from + length);
    return status === 100 ? this.#takeAnswer() : { status, headers, body };
  }
}
