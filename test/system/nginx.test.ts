import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { type Json, overTls, problem } from "./nginx-answers.ts";
import { type RunningSite, SITE_NAME, startSite } from "./nginx-site.ts";
import { form, photographs } from "./photographs.ts";
import { plain } from "./pictures.ts";
import { RawConnection } from "./raw-http.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

/** Debian's nginx with the site of deploy/nginx before one running server. */
const SMALL_MODELS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
};
const MIB = 1024 * 1024;

describe("a site before one server", () => {
  let server: RunningServer;
  let site: RunningSite;
  let red: Uint8Array<ArrayBuffer>;
  const png = { "Content-Type": "image/png" };
  const predict = (body: Bun.BodyInit, headers: Record<string, string> = {}) =>
    site.fetch("/api/v1/predict", { method: "POST", body, headers });

  beforeAll(async () => {
    red = await plain(255, 0, 0);
    server = await startServer({ ...SMALL_MODELS, PINHOLE_RATE_LIMIT_REQUESTS: "1000" });
    site = await startSite([`127.0.0.1:${server.port}`], { SITE_UPLOAD_BURST: "1000" });
  });
  afterAll(async () => {
    await site?.stop();
    await server?.stop();
  });

  test("uploads: the photograph itself, eight in a form, nine megabytes", async () => {
    const raw = await predict(red, png);
    expect(raw.status).toBe(200);
    expect(((await raw.json()) as Json).predictions[0].class_id).toBe("red");

    const leaves = await photographs();
    const eight = Array.from({ length: 8 }, (_, i) => leaves[i % leaves.length]!);
    const formed = await predict(form(eight));
    expect(formed.status).toBe(200);
    expect(((await formed.json()) as Json).images).toHaveLength(8);

    const side = 1750;
    const noise = crypto.getRandomValues(Buffer.alloc(65_536));
    const pixels = Buffer.alloc(side * side * 3);
    for (let at = 0; at < pixels.length; at += noise.length) {
      pixels.set(
        noise.subarray(0, pixels.length - at).map((byte) => byte ^ (at >> 16)),
        at,
      );
    }
    const large = await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toBuffer();
    expect(large.length).toBeGreaterThan(9e6);
    const answer = await predict(new Uint8Array(large), png);
    expect({ status: answer.status, id: answer.headers.has("x-request-id") }).toEqual({
      status: 200,
      id: true,
    });
  });

  test("413 of the server for what only the server minds, every time", async () => {
    for (let i = 0; i < 5; i++) {
      const photograph = await predict(new Uint8Array(12 * MIB), { "Content-Type": "image/jpeg" });
      expect(photograph.status).toBe(413);
      expect(await problem(photograph)).toMatchObject({
        error: "FILE_TOO_LARGE",
        file_size_mb: 12,
        max_size_mb: 10,
      });
    }
    const request = await predict(form([{ filename: "a.jpg", bytes: new Uint8Array(40.5 * MIB) }]));
    expect(request.status).toBe(413);
    expect(await problem(request)).toMatchObject({ max_size_mb: 40, file_size_mb: expect.any(Number) });
  });

  test("413 of nginx above it, before a byte was sent", async () => {
    const received = await overTls(
      site,
      `POST /api/v1/predict HTTP/1.1\r\nHost: ${SITE_NAME}\r\nContent-Length: ${42 * MIB}\r\nConnection: close\r\n\r\n`,
    );
    expect(received).toStartWith("HTTP/1.1 413 ");
    expect(received).toMatch(/^Content-Type: application\/problem\+json\r$/m);
    const body = JSON.parse(received.slice(received.indexOf("\r\n\r\n")));
    expect(body).toMatchObject({ error: "FILE_TOO_LARGE", max_size_mb: 40, instance: "/api/v1/predict" });
    expect(await site.logged(body.request_id)).toMatchObject({ status: 413, upstream: "" });
  });

  test("every answer carries the security headers once, and who wrote them is not told in detail", async () => {
    for (const path of ["/health", "/nothing", "/metrics", "/swagger", "/swagger/assets/swagger-ui.css"]) {
      const { headers } = await site.fetch(path);
      expect({ path, headers: Object.fromEntries(headers) }).toMatchObject({
        path,
        headers: {
          "strict-transport-security": "max-age=63072000",
          "x-content-type-options": "nosniff",
          "x-frame-options": "DENY",
          "referrer-policy": "no-referrer",
          "cross-origin-resource-policy": "same-origin",
          server: "nginx",
        },
      });
      const policy = headers.get("content-security-policy")!;
      expect(policy).toContain(path === "/swagger" ? "script-src 'self'" : "frame-ancestors 'none'");
      expect(policy.match(/default-src/g)).toHaveLength(1);
    }
  });

  test("the request id is the caller's when it is well formed, one of nginx's otherwise", async () => {
    const ask = (id: string) => site.fetch("/nothing", { headers: { "X-Request-Id": id } });
    const kept = await ask("order-66.A_b");
    expect(kept.headers.get("x-request-id")).toBe("order-66.A_b");
    expect((await problem(kept)).request_id).toBe("order-66.A_b");
    const made = await ask('no"id');
    expect((await problem(made)).request_id).toMatch(/^[0-9a-f]{32}$/);
    expect(await site.logged("order-66.A_b")).toMatchObject({ status: 404, uri: "/nothing" });
  });

  test("JSON is compressed for who takes it", async () => {
    const packed = await site.fetch("/swagger/json", { headers: { "Accept-Encoding": "gzip" } });
    expect(packed.headers.get("content-encoding")).toBe("gzip");
    expect(packed.headers.get("vary")).toContain("Accept-Encoding");
    expect(((await packed.json()) as Json).openapi).toStartWith("3.");
    const bare = await site.fetch("/swagger/json", { headers: { "Accept-Encoding": "identity" } });
    expect(bare.headers.get("content-encoding")).toBeNull();
  });

  test("assets are kept by nginx and by browsers; each answer has its own request id", async () => {
    const path = "/swagger/assets/swagger-ui-bundle.js?v=1";
    const first = await site.fetch(path);
    const second = await site.fetch(path);
    expect(await second.text()).toBe(await first.text());
    expect([first, second].map(({ headers }) => headers.get("x-cache-status"))).toEqual(["MISS", "HIT"]);
    expect(second.headers.get("cache-control")).toContain("immutable");
    expect(second.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
  });

  test.each([
    "/metrics",
    "/metrics/",
    "//metrics",
    "/%6detrics",
    "/x/../metrics",
    "/x/..%2fmetrics",
    "/metrics?x=1",
    "/health/detailed",
    "/health/metrics/",
    "/health/./history",
    "/api/v1/predictions",
    "/api/v1/predictions?limit=1",
    "/api/v1/admin/cache",
    "/api/v1/admin",
    "/api/v1/admin/a/b/c",
    "/metrics#x",
    "/x/%2e%2e/metrics",
  ])("%s is closed, even with the operator's token", async (path) => {
    const received = await overTls(
      site,
      `GET ${path} HTTP/1.1\r\nHost: ${SITE_NAME}\r\nAuthorization: ${asOperator.headers.Authorization}\r\nConnection: close\r\n\r\n`,
    );
    expect(received).toStartWith("HTTP/1.1 403 ");
    expect(received).toContain('"error":"FORBIDDEN"');
  });

  test.each([
    "/health\\detailed",
    "/x\\..\\metrics",
    "/%256detrics",
    "/METRICS",
    "/metrics;x",
    "/metrics%20",
    "/api/v1/predictions/%2e",
  ])("%s is no way around it", async (path) => {
    const received = await overTls(
      site,
      `GET ${path} HTTP/1.1\r\nHost: ${SITE_NAME}\r\nAuthorization: ${asOperator.headers.Authorization}\r\nConnection: close\r\n\r\n`,
    );
    expect(received).toMatch(/^HTTP\/1\.1 40[034] /);
  });

  test("every route that the API's document keeps for operators is closed", async () => {
    const { paths }: Json = await (await site.fetch("/swagger/json")).json();
    const closed: string[] = [];
    for (const [path, operations] of Object.entries<Json>(paths))
      for (const [method, { security }] of Object.entries<Json>(operations)) {
        if (!security?.some((way: object) => "operatorToken" in way)) continue;
        const { status } = await site.fetch(path, { ...asOperator, method: method.toUpperCase() });
        closed.push(`${method} ${path}`);
        expect({ method, path, status }).toEqual({ method, path, status: 403 });
      }
    expect(closed).toContain("get /metrics");
    expect(closed.length).toBeGreaterThan(5);
  });

  test("what is open stays open", async () => {
    for (const path of ["/health", "/health/live", "/health/ready", "/api/v1/model_info", "/swagger/json"])
      expect({ path, status: (await site.fetch(path)).status }).toEqual({ path, status: 200 });
    const record = await site.fetch(`/api/v1/predictions/${"0".repeat(32)}`);
    expect(record.status).toBe(404);
  });

  test.each([
    ["-tls1_1", null],
    ["-tls1_2", "TLSv1.2"],
    ["-tls1_3", "TLSv1.3"],
  ])("TLS: %s gives %s", async (option, protocol) => {
    for (const name of [SITE_NAME, "nobody.example"]) {
      const client = Bun.spawn(
        [
          ...["openssl", "s_client", "-connect", `127.0.0.1:${site.httpsPort}`, "-servername", name],
          ...[option, "-cipher", "ALL:@SECLEVEL=0"],
        ],
        { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      );
      const said = (await client.stdout.text()) + (await client.stderr.text());
      if (protocol === null) expect(said).toContain("alert protocol version");
      else if (name === SITE_NAME) expect(said).toMatch(new RegExp(`New, ${protocol}, Cipher is \\w`));
      else expect(said).toContain("unrecognized name");
    }
  });

  test("plain HTTP is sent to HTTPS with method and body; proofs of ACME are served", async () => {
    const elsewhere = await fetch(`${site.httpUrl}/api/v1/model_info?x=1`, { redirect: "manual" });
    expect(elsewhere.status).toBe(308);
    expect(elsewhere.headers.get("location")).toBe(`${site.url}/api/v1/model_info?x=1`);
    const folder = join(site.acmeRoot, ".well-known/acme-challenge");
    await mkdir(folder, { recursive: true });
    await Bun.write(join(folder, "token"), "token.thumbprint");
    const proof = await fetch(`${site.httpUrl}/.well-known/acme-challenge/token`, { redirect: "manual" });
    expect([proof.status, proof.headers.get("content-type"), await proof.text()]).toEqual([
      200,
      "text/plain",
      "token.thumbprint",
    ]);
    const none = await fetch(`${site.httpUrl}/.well-known/acme-challenge/none`, { redirect: "manual" });
    expect([none.status, (await problem(none)).error]).toEqual([404, "NOT_FOUND"]);
  });

  test("what is no HTTP, or for another host, is refused in the same form", async () => {
    const broken = await overTls(site, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    expect(broken).toStartWith("HTTP/1.1 400 ");
    expect(broken).toContain('"error":"INVALID_REQUEST"');
    const long = await overTls(
      site,
      `GET / HTTP/1.1\r\nHost: ${SITE_NAME}\r\nX-Long: ${"a".repeat(9000)}\r\n\r\n`,
    );
    expect(long).toStartWith("HTTP/1.1 400 ");
    expect(long).toContain('"error":"INVALID_REQUEST"');
    const quoted = await overTls(
      site,
      `GET /metrics/"\\ HTTP/1.1\r\nHost: ${SITE_NAME}\r\nConnection: close\r\n\r\n`,
    );
    expect(() => JSON.parse(quoted.slice(quoted.indexOf("\r\n\r\n")))).not.toThrow();
    const other = await overTls(site, "GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n");
    expect(other).toStartWith("HTTP/1.1 421 ");
    expect(other).toContain('"error":"MISDIRECTED_REQUEST"');

    const plainHttp = await RawConnection.open(site.httpsPort);
    plainHttp.send(`GET / HTTP/1.1\r\nHost: ${SITE_NAME}\r\n\r\n`);
    expect(await plainHttp.answer()).toMatchObject({
      status: 400,
      body: expect.stringContaining('"error":"INVALID_REQUEST"'),
    });
    plainHttp.cut();
    const otherHttp = await RawConnection.open(site.httpPort);
    otherHttp.send("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
    expect(await otherHttp.answer()).toMatchObject({
      status: 421,
      body: expect.stringContaining('"error":"MISDIRECTED_REQUEST"'),
    });
    otherHttp.cut();
  });

  test("the log is JSON with timings and who answered", async () => {
    const { headers } = await predict(red, { ...png, "User-Agent": 'quo"ted' });
    const line = await site.logged(headers.get("x-request-id")!);
    expect(line).toMatchObject({
      method: "POST",
      uri: "/api/v1/predict",
      status: 200,
      client: "127.0.0.1",
      upstream: `127.0.0.1:${server.port}`,
      upstream_status: "200",
      user_agent: 'quo"ted',
      tls: "TLSv1.3",
    });
    expect(Number(line.seconds)).toBeGreaterThanOrEqual(0);
    expect(Number(line.upstream_seconds)).toBeGreaterThanOrEqual(0);
  });
});
