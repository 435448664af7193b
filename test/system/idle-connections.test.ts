import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { residentBytes } from "./held.ts";
import { startSite } from "./nginx-site.ts";
import { plain } from "./pictures.ts";
import { startServer } from "./server.ts";

const MIB = 1024 * 1024;
const IDLE = 5000;
/** Clients that they belong to. */
const ADDRESSES = 50;
const AT_ONCE = 250;
/** What one may cost the server: sockets are small. */
const BYTES_EACH = 16 * 1024;
const SETTINGS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_WORKER_COUNT: "1",
  PINHOLE_RATE_LIMIT_ENABLED: "false",
  PINHOLE_IDLE_TIMEOUT_SECONDS: "8",
};

/** Connections that say nothing. */
class IdleConnections implements Disposable {
  readonly #sockets: Socket[] = [];
  closed = 0;

  get open(): number {
    return this.#sockets.length - this.closed;
  }

  async add(port: number, count: number): Promise<void> {
    for (let number = 0; number < count; number += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => this.#connect(port, number + at)));
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #connect(port: number, number: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const localAddress = `127.0.4.${1 + (number % ADDRESSES)}`;
      const socket = connect({ port, host: "127.0.0.1", localAddress });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        socket.on("error", () => {});
        this.#sockets.push(socket);
        resolve();
      });
      socket.once("close", () => {
        this.closed++;
      });
      // Without a reader the end of the stream would go unseen.
      socket.resume();
    });
  }
}

/** Asks for one prediction after another until told to stop. */
function workingClient(predict: (body: Uint8Array<ArrayBuffer>) => Promise<Response>) {
  const statuses: number[] = [];
  let over = false;
  const done = (async () => {
    const red = await plain(255, 0, 0);
    while (!over) {
      const answer = await predict(red);
      statuses.push(answer.status);
      await answer.body?.cancel();
      await Bun.sleep(10);
    }
  })();
  return async () => {
    over = true;
    await done;
    return statuses;
  };
}

const post = (body: Uint8Array<ArrayBuffer>): RequestInit => ({
  method: "POST",
  body,
  headers: { "Content-Type": "image/png" },
});

async function allAreClosed(idle: IdleConnections): Promise<number> {
  const from = performance.now();
  while (idle.open > 0 && performance.now() - from < 40_000) await Bun.sleep(100);
  return performance.now() - from;
}

describe(`${IDLE} connections on which nothing is sent, beside a client that works`, () => {
  test("straight at the server: every request is answered, memory stays, they are closed in time", async () => {
    await using server = await startServer(SETTINGS);
    await server.said("Open files: ");
    const stop = workingClient((body) => fetch(`${server.url}/api/v1/predict`, post(body)));
    await Bun.sleep(1000);
    const before = residentBytes(server.pid);
    using idle = new IdleConnections();
    await idle.add(server.port, IDLE);
    expect(idle.open).toBe(IDLE);
    const grown = residentBytes(server.pid) - before;
    const waitedMs = await allAreClosed(idle);
    const statuses = await stop();
    console.log(
      `${IDLE} idle connections: ${(grown / MIB).toFixed(1)} MiB more; all closed ${(waitedMs / 1000).toFixed(1)} s later; ${statuses.length} answers beside them`,
    );
    expect(idle.open).toBe(0);
    expect([...new Set(statuses)]).toEqual([200]);
    expect(grown).toBeLessThan(IDLE * BYTES_EACH);
  }, 60_000);

  test("through nginx: every request is answered, and the server hears of none of them", async () => {
    await using server = await startServer({ ...SETTINGS, PINHOLE_TRUSTED_PROXIES: "127.0.0.1" });
    await using site = await startSite([`127.0.0.1:${server.port}`], {
      SITE_UPLOAD_RATE: "1000r/s",
      SITE_REQUEST_RATE: "1000r/s",
    });
    const stop = workingClient((body) => site.fetch("/api/v1/predict", post(body)));
    await Bun.sleep(1000);
    const before = residentBytes(server.pid);
    using idle = new IdleConnections();
    await idle.add(site.httpsPort, IDLE);
    const grown = residentBytes(server.pid) - before;
    const waitedMs = await allAreClosed(idle);
    const statuses = await stop();
    console.log(
      `${IDLE} idle connections at nginx: the server holds ${(grown / MIB).toFixed(1)} MiB more; all closed ${(waitedMs / 1000).toFixed(1)} s later; ${statuses.length} answers beside them`,
    );
    expect(idle.open).toBe(0);
    expect([...new Set(statuses)]).toEqual([200]);
    expect(grown).toBeLessThan(32 * MIB);
  }, 60_000);
});
