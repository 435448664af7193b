import type { Socket } from "bun";
import { type HttpResponse, readResponse } from "./response.ts";

interface Exchange {
  resolve(response: HttpResponse): void;
  reject(error: Error): void;
}

/**
 * One kept-alive HTTP/1.1 connection with one request under way at a time. Bun's own fetch costs several times
 * as much CPU for each request, which on shared cores would be the server's.
 */
export class Connection {
  readonly #hostname: string;
  readonly #port: number;
  #socket: Socket | null = null;
  #exchange: Exchange | null = null;
  /** What has yet to be written of the request. */
  #unsent: Uint8Array[] = [];
  /** What has come of the response. */
  #received: Buffer | null = null;

  constructor(url: URL) {
    this.#hostname = url.hostname;
    this.#port = Number(url.port || 80);
  }

  /**
   * Connects where there is no connection.
   * @param parts head and body as they go over the wire
   * @throws Error when the connection is refused or lost, or what comes is not HTTP
   */
  async send(parts: readonly Uint8Array[]): Promise<HttpResponse> {
    this.#socket ??= await this.#connect();
    const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
    this.#exchange = { resolve, reject };
    this.#unsent = [...parts];
    this.#write(this.#socket);
    return promise;
  }

  close(): void {
    this.#socket?.end();
    this.#socket = null;
  }

  #connect(): Promise<Socket> {
    return Bun.connect({
      hostname: this.#hostname,
      port: this.#port,
      socket: {
        data: (socket, chunk) => this.#receive(socket, chunk),
        drain: (socket) => this.#write(socket),
        close: (socket) => this.#lost(socket, new Error("the connection was closed")),
        error: (socket, error) => this.#lost(socket, error),
      },
    });
  }

  #write(socket: Socket): void {
    for (let part = this.#unsent[0]; part !== undefined; part = this.#unsent[0]) {
      const written = Math.max(0, socket.write(part));
      if (written < part.length) {
        this.#unsent[0] = part.subarray(written);
        return;
      }
      this.#unsent.shift();
    }
  }

  #receive(socket: Socket, chunk: Buffer): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    const received = this.#received === null ? chunk : Buffer.concat([this.#received, chunk]);
    try {
      const response = readResponse(received);
      this.#received = response === null ? Buffer.from(received) : null;
      if (response === null) return;
      this.#exchange = null;
      // What was not sent of a refused body cannot be sent any more.
      if (!response.keepAlive || this.#unsent.length > 0) this.close();
      exchange.resolve(response);
    } catch (error) {
      this.close();
      this.#lost(socket, error as Error);
    }
  }

  #lost(socket: Socket, error: Error): void {
    // The end of an older connection is no news.
    if (this.#socket !== null && this.#socket !== socket) return;
    this.#socket = null;
    this.#received = null;
    this.#exchange?.reject(error);
    this.#exchange = null;
  }
}
