import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkConnection } from "../../src/commands/deployment/connection.ts";
import { Probe } from "../../src/commands/deployment/probe.ts";
import { startSite } from "./nginx-site.ts";
import { freePort, OPERATOR_TOKEN, startServer } from "./server.ts";

/** The deployment check, as it is called, against deployments that are right and ones that are wrong. */
const ROOT = new URL("../..", import.meta.url).pathname;
const SMALL_MODELS = { PINHOLE_MODELS_DIR: "test/fixtures/models", PINHOLE_MODEL_DEFAULT: "rgb-float32" };

interface Finding {
  group: string;
  name: string;
  outcome: string;
  detail: string;
}

interface Checked {
  code: number;
  output: string;
  messages: string;
  findings: Finding[];
  performance: { kind: string; requests: number; p50_ms: number; p95_ms: number }[];
  /** Names of the findings with this outcome. */
  named(outcome: string): string[];
}

async function check(args: string[], env: Record<string, string> = {}): Promise<Checked> {
  const child = Bun.spawn([process.execPath, "--no-env-file", "src/commands/check-deployment.ts", ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, messages] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const report = args.includes("--json") ? JSON.parse(output) : { findings: [], performance: [] };
  const findings: Finding[] = report.findings;
  const named = (outcome: string) =>
    findings.filter((finding) => finding.outcome === outcome).map(({ name }) => name);
  return {
    code: await child.exited,
    output,
    messages,
    findings,
    performance: report.performance,
    named,
  };
}

describe("arguments", () => {
  test.each([
    [[], "--url is missing"],
    [["--url", "pinhole.example"], "--url"],
    [["--url", "https://pinhole.example/api"], "without a path"],
    [["--url", "http://127.0.0.1:1", "--requests", "many"], "--requests"],
    [["--url", "http://127.0.0.1:1", "--nonsense"], "nonsense"],
    [["--url", "http://127.0.0.1:1", "--operator-token-env", "NOT_SET"], "NOT_SET"],
  ])("%j: 2", async (args, says) => {
    const { code, messages, output } = await check(args);
    expect({ code, output }).toEqual({ code: 2, output: "" });
    expect(messages).toContain(says);
    expect(messages).toContain("usage: bun run check:deployment");
  });
});

test("nobody there: one failure, at once", async () => {
  const { code, findings } = await check(["--url", "http://127.0.0.1:1", "--json"]);
  expect(code).toBe(1);
  expect(findings.filter(({ outcome }) => outcome === "failed")).toEqual([
    expect.objectContaining({ group: "connection", name: "reachable" }),
  ]);
});

test("a server alone: nothing fails, and what only a proxy adds is told", async () => {
  await using server = await startServer(SMALL_MODELS);
  const result = await check(["--url", server.url, "--json", "--operator-token-env", "TOKEN"], {
    TOKEN: OPERATOR_TOKEN,
  });
  expect(result.findings.filter(({ outcome }) => outcome === "failed")).toEqual([]);
  expect(result.code).toBe(0);
  expect(result.named("ok")).toContain("the operator's token");
  // Headers that neither this server nor a proxy before it sets are warnings, never failures.
  for (const { group, outcome } of result.findings) if (outcome === "warning") expect(group).toBe("headers");
  expect(result.performance.map(({ kind }) => kind)).toEqual(["sequential", "concurrent"]);
  for (const { requests, p50_ms, p95_ms } of result.performance) {
    expect(requests).toBeGreaterThanOrEqual(4);
    expect(p95_ms).toBeGreaterThanOrEqual(p50_ms);
  }
  expect(result.messages).toBe("");
  expect(result.output).not.toContain(OPERATOR_TOKEN);
});

test("operator routes that are open are told, each of them", async () => {
  await using server = await startServer({ ...SMALL_MODELS, PINHOLE_OPERATOR_TOKEN: "" });
  const { code, findings } = await check(["--url", server.url, "--json"]);
  expect(code).toBe(1);
  const failures = findings.filter(({ outcome }) => outcome === "failed");
  expect(failures.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["/metrics", "/health/detailed", "/api/v1/predictions", "other spellings"]),
  );
  for (const { group, detail } of failures) {
    expect(group).toBe("operator");
    expect(detail).toContain("PINHOLE_ENVIRONMENT=development");
  }
});

test("through nginx: all is green, limits included; over a percentile or with a certificate of nobody it is red", async () => {
  await using server = await startServer({
    ...SMALL_MODELS,
    PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
    PINHOLE_RATE_LIMIT_REQUESTS: "25",
    PINHOLE_RATE_LIMIT_WINDOW_SECONDS: "3",
  });
  await using site = await startSite([`127.0.0.1:${server.port}`]);
  const trusted = { NODE_EXTRA_CA_CERTS: site.certificatePath };
  const green = await check(["--url", site.url, "--json", "--limits", "--requests", "10"], trusted);
  expect(green.findings.filter(({ outcome }) => outcome === "failed" || outcome === "warning")).toEqual([
    // The throwaway certificate ends in two days.
    expect.objectContaining({ name: "certificate", outcome: "warning" }),
  ]);
  expect(green.code).toBe(0);
  expect(green.named("ok")).toEqual(
    expect.arrayContaining([
      "rate limit trips",
      "an invented address does not help",
      "waiting out Retry-After succeeds",
      "TLSv1.1 is refused",
      "strict-transport-security",
    ]),
  );
  expect(green.messages).toMatch(/^429: waiting \d s, as told$/m);

  const slow = await check(["--url", site.url, "--json", "--max-p95-ms", "0"], trusted);
  expect([slow.code, slow.named("failed")]).toEqual([1, ["sequential"]]);

  const stranger = await check(["--url", site.url, "--json"]);
  expect([stranger.code, stranger.named("failed")]).toEqual([1, ["reachable"]]);
  const insecure = await check(["--url", site.url, "--insecure"]);
  expect(insecure.code).toBe(0);
  expect(insecure.output).toMatch(/WARNING +certificate .*not verified/);
  expect(insecure.output.trimEnd().split("\n").at(-1)).toMatch(/: \d+ ok, 1 warning, 0 failed, \d+ skipped$/);
}, 60_000);

test("a deployment that does everything wrong fails in every line that it should", async () => {
  const stub = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    maxRequestBodySize: 2 ** 40,
    fetch: (request) => {
      const headers = {
        Server: "stub/1.2.3",
        "Access-Control-Allow-Origin": request.headers.get("origin") ?? "*",
        "Access-Control-Allow-Credentials": "true",
      };
      return Response.json({ status: "ok", ready: true, path: "/usr/lib/x.ts:1" }, { headers });
    },
  });
  try {
    const { code, findings, named } = await check(["--url", `http://127.0.0.1:${stub.port}`, "--json"]);
    expect(code).toBe(1);
    const byName = Object.fromEntries(findings.map(({ name, outcome }) => [name, outcome]));
    expect(byName).toMatchObject({
      reachable: "ok",
      health: "failed",
      model_info: "failed",
      "predict, the photograph itself": "failed",
      "predict, a form of two": "failed",
      "request id": "failed",
      "unknown address": "failed",
      "OpenAPI document": "failed",
      "x-content-type-options": "failed",
      "content-security-policy": "warning",
      "errors are not stored": "failed",
      "documentation page": "failed",
      "nothing told about the software": "warning",
      "other sites' pages": "failed",
      "/metrics": "failed",
      "other spellings": "failed",
      "a declared size that is too large": "failed",
      "a type that is not taken": "failed",
      "rate limit declared": "warning",
      "truncated JPEG": "failed",
      "text as JPEG": "failed",
      nothing: "failed",
      "a file name that climbs": "failed",
    });
    expect(findings.filter(({ group, outcome }) => group === "hostile" && outcome === "failed")).toHaveLength(
      11,
    );
    expect(named("failed")).not.toContain("as well as before");
  } finally {
    await stub.stop(true);
  }
});

test("a limit that an invented address gets around is told", async () => {
  await using server = await startServer({
    ...SMALL_MODELS,
    PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
    PINHOLE_RATE_LIMIT_REQUESTS: "40",
    PINHOLE_RATE_LIMIT_WINDOW_SECONDS: "3",
  });
  const { code, named } = await check(["--url", server.url, "--json", "--limits"]);
  expect([code, named("failed")]).toEqual([1, ["an invented address does not help"]]);
});

test("protocols and certificates of yesterday are seen", async () => {
  const home = await mkdtemp(join(tmpdir(), "pinhole-tls-"));
  await Bun.write(join(home, "health/live"), "{}");
  const run = (argv: string[]) => Bun.spawnSync(["openssl", ...argv], { cwd: home });
  const subject = ["-subj", "/CN=localhost", "-days", "2"];
  run(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-out", "certificate", ...subject]);
  const port = String(freePort());
  const old = ["-cipher", "ALL:@SECLEVEL=0", "-WWW", "-quiet"];
  const server = Bun.spawn(
    ["openssl", "s_server", "-accept", `127.0.0.1:${port}`, "-key", "key", "-cert", "certificate", ...old],
    { cwd: home, stdin: "ignore", stdout: "ignore", stderr: "ignore" },
  );
  try {
    const probe = new Probe({
      url: `https://localhost:${port}`,
      insecure: true,
      timeoutMs: 5000,
      patienceMs: 0,
      operatorToken: null,
      sleep: Bun.sleep,
      onWait() {},
    });
    let findings = await checkConnection(probe);
    for (let tries = 0; tries < 50 && findings[0]!.outcome !== "ok"; tries++) {
      await Bun.sleep(100);
      findings = await checkConnection(probe);
    }
    expect(findings.map(({ name, outcome }) => [name, outcome])).toEqual([
      ["reachable", "ok"],
      ["certificate", "warning"],
      ["TLSv1 is refused", "failed"],
      ["TLSv1.1 is refused", "failed"],
      ["redirect from plain HTTP", "skipped"],
    ]);
  } finally {
    server.kill();
    await server.exited;
    await rm(home, { recursive: true });
  }
});

test("a deployment that is full is waited for, but not for ever", async () => {
  let refusals = 0;
  const stub = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) => {
      if (new URL(request.url).pathname === "/health/live") return Response.json({ status: "ok" });
      refusals++;
      return Response.json({}, { status: 503, headers: { "Retry-After": "1" } });
    },
  });
  try {
    const { code, messages } = await check([
      "--url",
      `http://127.0.0.1:${stub.port}`,
      "--json",
      "--patience",
      "2",
    ]);
    expect(code).toBe(1);
    expect(messages.match(/503: waiting 1 s, as told/g)).toHaveLength(2);
    expect(refusals).toBeLessThan(100);
  } finally {
    await stub.stop(true);
  }
});
