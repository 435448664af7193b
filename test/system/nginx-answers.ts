import { expect } from "bun:test";
import { connect } from "node:tls";
import { CATALOGUE, type ErrorCode } from "../../src/errors.ts";
import { type RunningSite, SITE_NAME } from "./nginx-site.ts";

// biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what these tests are about
export type Json = any;

/** RFC 9457 with the members of our own problems, whoever wrote it. */
export async function problem(response: Response): Promise<Json> {
  expect(response.headers.get("content-type")).toStartWith("application/problem+json");
  const body: Json = await response.json();
  const code = body.error as ErrorCode;
  expect(Object.keys(CATALOGUE)).toContain(code);
  expect(body).toMatchObject({
    type: `urn:pinhole:problem:${code}`,
    title: CATALOGUE[code].title,
    status: response.status,
    instance: expect.stringMatching(/^\//),
  });
  expect(body.message).toBe(body.detail);
  expect(body.request_id).toBe(response.headers.get("x-request-id"));
  expect(response.headers.get("cache-control")).toBe("no-store");
  return body;
}

/** What comes back for exactly these bytes over TLS: for requests that no HTTP client would send. */
export function overTls(site: RunningSite, text: string, servername = SITE_NAME): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const options = { host: "127.0.0.1", port: site.httpsPort, servername, rejectUnauthorized: false };
    const socket = connect(options, () => socket.write(text));
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      const [head, body] = received.split("\r\n\r\n", 2);
      const length = /^content-length: (\d+)\r?$/im.exec(head!);
      if (length && body !== undefined && body.length >= Number(length[1])) socket.end();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
}
