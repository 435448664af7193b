import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { form, photographs } from "./photographs.ts";
import { plain, pngClaiming, progressive } from "./pictures.ts";
import { type RawAnswer, RawConnection } from "./raw-http.ts";
import { type RunningServer, startServer } from "./server.ts";

/**
 * Every way in which predict can answer, against a real process; at the end the OpenAPI document is read, and
 * what it promises must have been seen here.
 */
const SMALL_MODELS = { PINHOLE_MODELS_DIR: "test/fixtures/models", PINHOLE_MODEL_DEFAULT: "rgb-float32" };
const MIB = 1024 * 1024;

/** `status error` of every answer that these tests got from predict. */
const seen = new Set<string>();

/** Codes that no request can bring about: a defect of ours, and a model that fails after it was ready. */
const NOT_ON_PURPOSE = ["INTERNAL_ERROR", "MODEL_NOT_READY"];

// biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what these tests are about
type Json = any;

interface Answer {
  status: number;
  header(name: string): string | null;
  json: Json;
}

function noted(status: number, header: Answer["header"], text: string): Answer {
  const json = text === "" ? null : JSON.parse(text);
  seen.add(`${status} ${json?.error ?? "ok"}`);
  if (status >= 400) expectProblem(status, header, json);
  return { status, header, json };
}

/** RFC 9457, the contract's members, and nothing of the inside. */
function expectProblem(status: number, header: Answer["header"], json: Json): void {
  expect(header("content-type")).toStartWith("application/problem+json");
  expect(json).toMatchObject({ status, instance: "/api/v1/predict", error: expect.any(String) });
  expect(json.type).toBeString();
  expect(json.title).toBeString();
  expect(json.message).toBe(json.detail);
  expect(json.request_id).toBe(header("x-request-id"));
  expect(JSON.stringify(json)).not.toMatch(/\/work\/|node_modules|\.ts:|onnxruntime|libvips|sharp| {4}at /i);
  if (status === 429 || status === 503) expect(Number(header("retry-after"))).toBeGreaterThanOrEqual(1);
}

async function ask(
  server: RunningServer,
  body: Bun.BodyInit | null,
  query = "",
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${server.url}/api/v1/predict${query}`, { method: "POST", body, headers });
  return noted(response.status, (name) => response.headers.get(name), await response.text());
}

function fromRaw(answer: RawAnswer | null): Answer {
  if (!answer) throw new Error("the connection closed without an answer");
  return noted(answer.status, (name) => answer.headers.get(name) ?? null, answer.body);
}

const head = (headers: string, target = "/api/v1/predict") =>
  `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n\r\n`;

const JPEG = { "Content-Type": "image/jpeg" };
const PNG = { "Content-Type": "image/png" };
const encode = (text: string) => new TextEncoder().encode(text);

describe("statuses of predict", () => {
  let server: RunningServer;
  let leaf: Uint8Array<ArrayBuffer>;
  let red: Uint8Array<ArrayBuffer>;

  beforeAll(async () => {
    leaf = (await photographs())[0]!.bytes;
    red = await plain(255, 0, 0);
    server = await startServer({
      ...SMALL_MODELS,
      PINHOLE_RATE_LIMIT_REQUESTS: "1000",
      PINHOLE_HOSTS_ALLOWED: "127.0.0.1",
      PINHOLE_READ_TIMEOUT_MS: "400",
      PINHOLE_IMAGE_MAX_BYTES: String(MIB),
      PINHOLE_REQUEST_MAX_BYTES: String(2 * MIB),
      PINHOLE_IMAGE_MAX_SCANS: "2",
      PINHOLE_DEADLINE_MS: "5000",
    });
  });
  afterAll(() => server?.stop());

  test("200", async () => {
    const answer = await ask(server, red, "", PNG);
    expect(answer.status).toBe(200);
    expect(answer.json.predictions[0].class_id).toBe("red");
  });

  test.each<[string, string, () => Bun.BodyInit | null, Record<string, string>]>([
    ["a form without its boundary", "INVALID_REQUEST", () => "x", { "Content-Type": "multipart/form-data" }],
    [
      "a form that breaks off",
      "INVALID_REQUEST",
      () => '--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\nabc',
      { "Content-Type": "multipart/form-data; boundary=b" },
    ],
    [
      "a form without an image",
      "NO_IMAGE",
      () => "--b--\r\n",
      { "Content-Type": "multipart/form-data; boundary=b" },
    ],
    ["no body", "NO_IMAGE", () => null, {}],
    ["an empty file", "EMPTY_IMAGE", () => form([{ filename: "a.jpg", bytes: new Uint8Array() }]), {}],
    ["a type that is not taken", "UNSUPPORTED_IMAGE_TYPE", () => red, { "Content-Type": "image/tiff" }],
    [
      "an extension that is not taken",
      "UNSUPPORTED_IMAGE_TYPE",
      () => form([{ filename: "a.pdf", bytes: leaf }]),
      {},
    ],
    ["bytes that are no image", "UNSUPPORTED_IMAGE_TYPE", () => encode("%PDF-1.7 and so on"), JPEG],
  ])("400 for %s", async (_, error, body, headers) => {
    expect(await ask(server, body(), "", headers)).toMatchObject({ status: 400, json: { error } });
  });

  test("400 names what is allowed and what came", async () => {
    const { json } = await ask(
      server,
      form([{ filename: "a.pdf", bytes: leaf, type: "application/octet-stream" }]),
    );
    expect(json.allowed).toContain("image/jpeg");
    expect(json).toMatchObject({
      extension: expect.stringContaining("pdf"),
      content_type: "application/octet-stream",
    });
    expect(json).toHaveProperty("detected");
  });

  test("404 for a model that is not there", async () => {
    expect(await ask(server, red, "?model=nobody", PNG)).toMatchObject({
      status: 404,
      json: { error: "MODEL_NOT_FOUND" },
    });
  });

  test("405 for another method, with those that are allowed", async () => {
    const response = await fetch(`${server.url}/api/v1/predict`, { method: "DELETE" });
    expect(response.headers.get("Allow")).toContain("POST");
    const answer = noted(response.status, (name) => response.headers.get(name), await response.text());
    expect(answer).toMatchObject({ status: 405, json: { error: "METHOD_NOT_ALLOWED" } });
  });

  test("408 for a body that does not arrive in its time", async () => {
    const connection = await RawConnection.open(server.port);
    connection.send(head("Content-Type: image/jpeg\r\nContent-Length: 5000"));
    connection.send(leaf.subarray(0, 100));
    expect(fromRaw(await connection.answer())).toMatchObject({
      status: 408,
      json: { error: "REQUEST_TIMEOUT" },
    });
    connection.cut();
  });

  test("413 for a declared size, before a byte of it was sent", async () => {
    const connection = await RawConnection.open(server.port);
    connection.send(head(`Content-Type: image/jpeg\r\nContent-Length: ${2 * MIB + 1}`));
    const answer = fromRaw(await connection.answer());
    expect(answer).toMatchObject({
      status: 413,
      json: { error: "FILE_TOO_LARGE", max_size_mb: expect.any(Number) },
    });
    expect(answer.json).toHaveProperty("file_size_mb");
    connection.cut();
  });

  test("413 for an undeclared size, while it is read", async () => {
    const connection = await RawConnection.open(server.port);
    connection.send(head("Content-Type: image/jpeg\r\nTransfer-Encoding: chunked"));
    const chunk = new Uint8Array(64 * 1024).fill(0xff);
    for (let sent = 0; sent < 4 * MIB; sent += chunk.length) {
      connection.send(`${chunk.length.toString(16)}\r\n`);
      connection.send(chunk);
      connection.send("\r\n");
    }
    expect(fromRaw(await connection.answer())).toMatchObject({
      status: 413,
      json: { error: "FILE_TOO_LARGE" },
    });
    connection.cut();
  });

  test("413 for one photograph over its own limit", async () => {
    const big = new Uint8Array(MIB + 1);
    big.set(leaf.subarray(0, 1000));
    const { status, json } = await ask(server, form([{ filename: "big.jpg", bytes: big }]));
    expect({ status, error: json.error, filename: json.filename }).toEqual({
      status: 413,
      error: "FILE_TOO_LARGE",
      filename: "big.jpg",
    });
  });

  test("421 for a host that is not ours", async () => {
    const connection = await RawConnection.open(server.port);
    connection.send(head("Content-Length: 0").replace("127.0.0.1", "elsewhere.example"));
    expect(fromRaw(await connection.answer())).toMatchObject({
      status: 421,
      json: { error: "MISDIRECTED_REQUEST" },
    });
    connection.cut();
  });

  test("403 for what came to a trusted proxy over plain HTTP", async () => {
    await using strict = await startServer({
      ...SMALL_MODELS,
      PINHOLE_TRUSTED_PROXIES: "127.0.0.0/8",
      PINHOLE_HTTPS_REDIRECT: "true",
    });
    expect(await ask(strict, red, "", { ...PNG, "X-Forwarded-Proto": "http" })).toMatchObject({
      status: 403,
      json: { error: "HTTPS_REQUIRED" },
    });
    expect((await ask(strict, red, "", { ...PNG, "X-Forwarded-Proto": "https" })).status).toBe(200);
  });

  test.each([
    ["top_k=0", "top_k"],
    ["top_k=4", "top_k"],
    ["top_k=two", "top_k"],
    ["min_prob=1.5", "min_prob"],
    ["explain=perhaps", "explain"],
  ])("422 for ?%s", async (query, field) => {
    const { status, json } = await ask(server, red, `?${query}`, PNG);
    expect({ status, error: json.error }).toEqual({ status: 422, error: "VALIDATION_FAILED" });
    expect(json.errors).toHaveLength(1);
    expect(json.errors[0]).toEqual({
      path: expect.stringContaining(field),
      expected: expect.any(String),
      received: expect.any(String),
    });
  });

  test("422 for a timeout that is none; a shorter one than the server's holds", async () => {
    const wrong = await ask(server, red, "", { ...PNG, "X-Request-Timeout-Ms": "soon" });
    expect(wrong).toMatchObject({ status: 422, json: { error: "VALIDATION_FAILED" } });
    expect(wrong.json.errors[0].path).toBe("X-Request-Timeout-Ms");
    const slow = await plain(250, 250, 250);
    const short = await ask(server, slow, "?model=slow-on-grey", { ...PNG, "X-Request-Timeout-Ms": "50" });
    expect(short).toMatchObject({ status: 504, json: { error: "DEADLINE_EXCEEDED" } });
    const long = await ask(server, red, "", { ...PNG, "X-Request-Timeout-Ms": "99999999999999999999" });
    expect(long.status).toBe(200);
  });

  test("422 for nine photographs", async () => {
    const nine = Array.from({ length: 9 }, (_, i) => ({
      filename: `${i}.png`,
      bytes: red,
      type: "image/png",
    }));
    expect(await ask(server, form(nine))).toMatchObject({
      status: 422,
      json: { error: "VALIDATION_FAILED" },
    });
  });

  test("422 for an image that breaks off", async () => {
    expect(await ask(server, leaf.slice(0, leaf.length / 2), "", JPEG)).toMatchObject({
      status: 422,
      json: { error: "INVALID_IMAGE" },
    });
  });

  test("422 for too many pixels, by the header alone", async () => {
    expect(await ask(server, pngClaiming(60_000, 60_000, red), "", PNG)).toMatchObject({
      status: 422,
      json: { error: "TOO_MANY_PIXELS" },
    });
  });

  test("422 for too many scans", async () => {
    expect(await ask(server, await progressive(leaf), "", JPEG)).toMatchObject({
      status: 422,
      json: { error: "TOO_MANY_SCANS" },
    });
  });

  test("a failed inference: a usable answer, or the failure itself to who asks for it", async () => {
    const white = await plain(255, 255, 255);
    const { status, json } = await ask(server, white, "?model=fails-on-white", PNG);
    expect(status).toBe(200);
    expect(json).toMatchObject({
      fallback: true,
      confidence_status: "LOW",
      cached: false,
      retake_message: expect.any(String),
    });
    expect(json.predictions).toEqual([
      expect.objectContaining({ class_id: "error", class_name: "Inference Error", prob: 0 }),
    ]);

    const strict = await ask(server, white, "?model=fails-on-white", { ...PNG, Prefer: "handling=strict" });
    expect(strict).toMatchObject({ status: 500, json: { error: "INFERENCE_FAILED" } });
    const other = await ask(server, red, "?model=fails-on-white", PNG);
    expect(other.json.predictions[0].class_id).toBe("red");
  });
});

describe("a server that is asked too much", () => {
  test("429 before the body is read; waiting out Retry-After succeeds", async () => {
    await using server = await startServer({
      ...SMALL_MODELS,
      PINHOLE_RATE_LIMIT_REQUESTS: "2",
      PINHOLE_RATE_LIMIT_WINDOW_SECONDS: "3",
    });
    const red = await plain(255, 0, 0);
    for (let i = 0; i < 2; i++) expect((await ask(server, red, "", PNG)).status).toBe(200);
    const connection = await RawConnection.open(server.port);
    connection.send(head("Content-Type: image/png\r\nContent-Length: 1000"));
    const refused = fromRaw(await connection.answer());
    connection.cut();
    expect(refused).toMatchObject({ status: 429, json: { error: "RATE_LIMIT_EXCEEDED", limit: 2 } });
    expect(refused.header("x-ratelimit-remaining")).toBe("0");
    const waitSeconds = Number(refused.header("retry-after"));
    expect(refused.json.retry_after_seconds).toBe(waitSeconds);
    expect(waitSeconds).toBeWithin(1, 4);
    await Bun.sleep(waitSeconds * 1000);
    expect((await ask(server, red, "", PNG)).status).toBe(200);
  });

  test("503 while as many bodies as may be are being read, and not after", async () => {
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_READ_CONCURRENCY: "1" });
    const red = await plain(255, 0, 0);
    const first = await RawConnection.open(server.port);
    first.send(head(`Content-Type: image/png\r\nContent-Length: ${red.length}`));
    first.send(red.subarray(0, 10));
    await Bun.sleep(200);
    // Refused before its body is read.
    const second = await RawConnection.open(server.port);
    second.send(head("Content-Type: image/png\r\nContent-Length: 1000"));
    expect(fromRaw(await second.answer())).toMatchObject({ status: 503, json: { error: "OVERLOADED" } });
    second.cut();
    first.send(red.subarray(10));
    expect(fromRaw(await first.answer()).status).toBe(200);
    first.cut();
    expect((await ask(server, red, "", PNG)).status).toBe(200);
  });

  test("503 while it serves as many as it takes, and not after; a body that trickles in is none of them", async () => {
    await using server = await startServer({
      PINHOLE_MODELS_DIR: "test/fixtures/wedging-models",
      PINHOLE_MODEL_DEFAULT: "wedges-on-grey",
      PINHOLE_QUEUE_CAPACITY: "1",
      PINHOLE_WORKER_COUNT: "1",
    });
    const red = await plain(255, 0, 0);
    const trickling = await RawConnection.open(server.port);
    trickling.send(head(`Content-Type: image/png\r\nContent-Length: ${red.length}`));
    trickling.send(red.subarray(0, 10));
    await Bun.sleep(200);
    expect((await ask(server, red, "", PNG)).status).toBe(200);

    const slow = ask(server, await plain(4, 4, 4), "", PNG);
    let refused = await ask(server, red, "", PNG);
    while (refused.status === 200) refused = await ask(server, red, "", PNG);
    expect(refused).toMatchObject({ status: 503, json: { error: "OVERLOADED" } });
    await slow;
    trickling.send(red.subarray(10));
    expect(fromRaw(await trickling.answer()).status).toBe(200);
    trickling.cut();
  });

  test("504 when the deadline passes; the server answers others as before", async () => {
    await using server = await startServer({
      ...SMALL_MODELS,
      PINHOLE_DEADLINE_MS: "150",
      PINHOLE_WORKER_COUNT: "1",
    });
    const slow = await ask(server, await plain(250, 250, 250), "?model=slow-on-grey", PNG);
    expect(slow).toMatchObject({ status: 504, json: { error: "DEADLINE_EXCEEDED" } });
    const red = await plain(255, 0, 0);
    const recovered = async () => (await ask(server, red, "", PNG)).status === 200;
    let good = false;
    for (let tries = 0; tries < 100 && !good; tries++) {
      good = await recovered();
      if (!good) await Bun.sleep(100);
    }
    expect(good).toBeTrue();
  });

  test("503 for a request that comes in while it drains; what was in flight is answered", async () => {
    await using server = await startServer(SMALL_MODELS);
    const red = await plain(255, 0, 0);
    const request = head(`Content-Type: image/png\r\nContent-Length: ${red.length}`);
    const inFlight = await RawConnection.open(server.port);
    inFlight.send(request);
    inFlight.send(red.subarray(0, 10));
    // Idle connections are closed at once; one that is in the middle of saying what it wants is heard.
    const late = await RawConnection.open(server.port);
    late.send(request.slice(0, 40));
    await Bun.sleep(200);
    server.signal("SIGTERM");
    await Bun.sleep(300);
    late.send(request.slice(40));
    late.send(red);
    const refused = fromRaw(await late.answer());
    expect(refused).toMatchObject({ status: 503, json: { error: "DRAINING" } });
    expect(refused.header("connection")).toBe("close");
    inFlight.send(red.subarray(10));
    expect(fromRaw(await inFlight.answer()).status).toBe(200);
    expect(await server.exited).toBe(0);
  });
});

test("every status and every code that the document promises for predict was seen above", async () => {
  await using server = await startServer(SMALL_MODELS);
  const document: Json = await (await fetch(`${server.url}/swagger/json`)).json();
  const promised: string[] = [];
  for (const [status, response] of Object.entries<Json>(document.paths["/api/v1/predict"].post.responses)) {
    const codes = [...JSON.stringify(response).matchAll(/"enum":(\[[^\]]*\])/g)].flatMap(([, list]) =>
      JSON.parse(list!),
    );
    if (Number(status) >= 400) expect(codes).not.toBeEmpty();
    promised.push(...(Number(status) < 400 ? [`${status} ok`] : codes.map((code) => `${status} ${code}`)));
  }
  expect(promised.length).toBeGreaterThan(10);
  const unseen = promised.filter(
    (one) => !seen.has(one) && !NOT_ON_PURPOSE.some((code) => one.endsWith(code)),
  );
  expect(unseen).toEqual([]);
  const statuses = (ones: Iterable<string>) => new Set([...ones].map((one) => one.split(" ")[0]!));
  expect([...statuses(promised)].filter((status) => !statuses(seen).has(status))).toEqual([]);
  const undocumented = [...statuses(seen)].filter((status) => !statuses(promised).has(status));
  expect(undocumented).toEqual(["405"]);
});
