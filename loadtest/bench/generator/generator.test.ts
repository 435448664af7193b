import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "./generate.ts";
import { failureCount, type LoadJob, runLoad } from "./job.ts";
import { ResponseError, readResponse } from "./response.ts";

describe("a response", () => {
  const read = (text: string) => readResponse(Buffer.from(text));

  test("with a length is whole when so much has come", () => {
    const text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end))).toBeNull();
    expect(read(text)).toMatchObject({ status: 200, body: Buffer.from("hello"), keepAlive: true });
  });

  test("in chunks is whole with its last", () => {
    const text =
      "HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    for (let end = 0; end < text.length; end++) expect(read(text.slice(0, end))).toBeNull();
    expect(read(text)).toMatchObject({ status: 503, body: Buffer.from("abc0123456789") });
  });

  test("says when its connection ends", () => {
    expect(read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")?.keepAlive).toBe(false);
  });

  test.each(["SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nendless"])("%j is refused", (text) => {
    expect(() => read(text)).toThrow(ResponseError);
  });
});

describe("a load generator", () => {
  const SMALL = 12_000;
  const LARGE = 3_000_000;
  let folder: string;
  const seen: { bytes: number; type: string | null; client: string | null; field: string | null }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    routes: {
      "/form": async (request) => {
        const file = (await request.formData()).get("file") as File;
        seen.push({ bytes: file.size, type: file.type, client: null, field: file.name });
        return Response.json({ fallback: false });
      },
      "/busy": new Response("full", { status: 503 }),
      "/stand-in": Response.json({ class_id: "error", fallback: true }),
      "/slow": async () => {
        await Bun.sleep(50);
        return new Response("ok");
      },
      "/*": async (request) => {
        const bytes = (await request.bytes()).length;
        const { headers } = request;
        seen.push({
          bytes,
          type: headers.get("content-type"),
          client: headers.get("x-forwarded-for"),
          field: null,
        });
        return new Response("ok");
      },
    },
  });
  const job = (path: string, overrides: Partial<LoadJob> = {}): LoadJob => ({
    url: `http://127.0.0.1:${server.port}${path}`,
    bodies: {
      files: [join(folder, "small.jpg"), join(folder, "large.jpg")],
      contentType: "image/jpeg",
      formField: null,
    },
    connections: 2,
    seconds: 0.2,
    rate: null,
    ...overrides,
  });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pinhole-generator-"));
    await Bun.write(join(folder, "small.jpg"), new Uint8Array(SMALL));
    await Bun.write(join(folder, "large.jpg"), new Uint8Array(LARGE));
  });
  afterAll(async () => {
    await server.stop(true);
    await rm(folder, { recursive: true });
  });

  test("sends whole bodies in turn, each connection for a client of its own", async () => {
    seen.length = 0;
    const result = await generate(job("/raw"));
    expect(result.failures).toEqual({});
    expect(result.answers).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(2);
    expect(new Set(seen.map(({ bytes }) => bytes))).toEqual(new Set([SMALL, LARGE]));
    expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(["image/jpeg"]));
    expect(new Set(seen.map(({ client }) => client))).toEqual(new Set(["198.18.0.0", "198.18.0.1"]));
  });

  test("sends forms", async () => {
    seen.length = 0;
    const { bodies } = job("/form");
    const result = await generate(job("/form", { bodies: { ...bodies!, formField: "file" } }));
    expect(result.failures).toEqual({});
    expect(new Set(seen.map(({ bytes, field }) => `${field} ${bytes}`))).toEqual(
      new Set([`small.jpg ${SMALL}`, `large.jpg ${LARGE}`]),
    );
  });

  test("counts refusals and stand-ins as failures, by kind", async () => {
    const refused = await generate(job("/busy", { bodies: null, seconds: 0.05 }));
    expect(refused).toMatchObject({ answers: 0, p50Ms: null });
    expect(refused.failures["503"]).toBe(failureCount(refused));
    expect(failureCount(refused)).toBeGreaterThan(0);
    const standIn = await generate(job("/stand-in", { bodies: null, seconds: 0.05 }));
    expect(Object.keys(standIn.failures)).toEqual(["fallback"]);
  });

  test("counts a server that is not there as a failure", async () => {
    const nowhere = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const url = String(nowhere.url);
    await nowhere.stop(true);
    const result = await generate({ ...job("/"), url, bodies: null, seconds: 0.05 });
    expect(Object.keys(result.failures)).toEqual(["connection"]);
  });

  test("at a rate sends that many, and counts the wait for a free connection", async () => {
    const result = await generate(job("/slow", { bodies: null, connections: 1, seconds: 0.2, rate: 50 }));
    expect(result.answers).toBe(10);
    expect(result.p50Ms).toBeGreaterThan(100);
    expect(result.seconds).toBeGreaterThan(0.45);
  });

  test("runs in a process of its own", async () => {
    const result = await runLoad(job("/raw"));
    expect(result.failures).toEqual({});
    expect(result.answers).toBeGreaterThan(0);
    expect(result.p50Ms).toBeLessThanOrEqual(result.p99Ms!);
    expect(result.generatorCores).toBeGreaterThan(0);
  });
});
