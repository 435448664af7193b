import { expect, test } from "bun:test";
import { plain } from "./pictures.ts";
import { RawConnection } from "./raw-http.ts";
import { asOperator, OPERATOR_TOKEN, startServer } from "./server.ts";

/** Addresses as proxies tell them (TEST-NET, RFC 5737 and 3849), and the peer itself. */
const ADDRESSES = ["203.0.113.77", "198.51.100.23", "2001:db8:7:7::9", "127.0.0.1"];
const WRONG_TOKEN = "a-wrong-token-that-somebody-tried-0123456789";
const ORIGIN = "https://app.example";

test("nothing in the log tells a token or an address, whatever is asked", async () => {
  await using server = await startServer({
    PINHOLE_MODELS_DIR: "test/fixtures/models",
    PINHOLE_MODEL_DEFAULT: "rgb-float32",
    PINHOLE_TRUSTED_PROXIES: "127.0.0.0/8",
    PINHOLE_CORS_ORIGINS: ORIGIN,
    PINHOLE_RATE_LIMIT_REQUESTS: "2",
    PINHOLE_LOG_LEVEL: "debug",
  });
  const url = `${server.url}/api/v1/predict`;
  const image = await plain(255, 0, 0);
  const statuses: number[] = [];
  for (const address of ADDRESSES) {
    const headers = { "X-Forwarded-For": address, Forwarded: `for="[${address}]"`, "X-Real-IP": address };
    const ask = async (target: string, init: RequestInit = {}) => {
      const response = await fetch(target, { ...init, headers: { ...headers, ...init.headers } });
      await response.bytes();
      statuses.push(response.status);
    };
    await ask(url, { method: "POST", body: image, headers: { "Content-Type": "image/png" } });
    await ask(url, { method: "POST", body: image.slice(0, 50), headers: { "Content-Type": "image/png" } });
    await ask(url, { method: "POST", body: image, headers: { "Content-Type": "image/png" } });
    await ask(`${server.url}/metrics`, { headers: { Authorization: `Bearer ${WRONG_TOKEN}` } });
    await ask(`${server.url}/metrics`, asOperator);
    await ask(`${server.url}/nope?token=${WRONG_TOKEN}`);
  }
  const gone = await RawConnection.open(server.port);
  gone.send(
    `POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.78\r\nContent-Length: 9\r\n\r\nx`,
  );
  await Bun.sleep(100);
  gone.cut();
  await Bun.sleep(200);
  server.signal("SIGTERM");
  await server.exited;

  expect(statuses.toSorted()).toEqual(
    [200, 422, 429, 401, 200, 404].flatMap((one) => Array(4).fill(one)).toSorted(),
  );
  const lines = (await server.log()).split("\n").filter((line) => line.startsWith("{"));
  for (const code of ["INVALID_IMAGE", "RATE_LIMIT_EXCEEDED", "UNAUTHENTICATED", "NOT_FOUND", "client gone"])
    expect(lines.some((line) => line.includes(code))).toBe(true);
  // What it listens on is told once, and is no client's.
  const log = (await server.log()).replaceAll(/"url":"[^"]*"|HOST=\S+|PINHOLE_TRUSTED_PROXIES=\S+/g, "");
  for (const secret of [...ADDRESSES, "203.0.113.78", WRONG_TOKEN, OPERATOR_TOKEN])
    expect(`${secret}: ${log.split("\n").find((line) => line.includes(secret))}`).toBe(
      `${secret}: undefined`,
    );
});
