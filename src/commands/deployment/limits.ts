import { demand, type Finding, Findings, failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import { photograph } from "./photograph.ts";
import { described, member, type Probe, problemCode, type Reply } from "./probe.ts";
import { rawRequest } from "./raw-request.ts";

/** A body that no deployment takes. */
const FAR_TOO_MANY_BYTES = 64 * 1024 ** 3;
/** Most requests that are sent to reach a rate limit. */
const MOST_REQUESTS = 2000;

/** Whether what is too much is refused, and in good time. */
export async function checkLimits(probe: Probe, seed: number): Promise<Finding[]> {
  const findings = new Findings("limits");
  const raw = (method: string, path: string, fields: string) =>
    rawRequest(
      probe.url,
      `${method} ${path} HTTP/1.1\r\nHost: ${probe.url.host}\r\nConnection: close\r\n${fields}\r\n`,
      probe.options,
    );

  await findings.check("a declared size that is too large", async () => {
    const fields = `Content-Type: image/jpeg\r\nContent-Length: ${FAR_TOO_MANY_BYTES}\r\n`;
    const { status, headers, body } = await raw("POST", "/api/v1/predict", fields);
    demand(status === 413, `answers ${status}, not 413 before the body is sent`);
    // So far past its limit the server's HTTP layer answers by itself, without a body.
    if (body === "") return ok("413 before the body is sent");
    if (!headers.get("content-type")?.startsWith("application/problem+json"))
      return warning("413, but not as application/problem+json: give the proxy problem pages");
    return ok(
      `413 before the body is sent, ${/"max_size_mb":[\d.]+/.exec(body)?.[0] ?? "without max_size_mb"}`,
    );
  });
  const fields = (count: number, length: number) =>
    Array.from({ length: count }, (_, i) => `X-Field-${i}: ${"a".repeat(length)}\r\n`).join("");
  await findings.check("400 header fields", async () =>
    refusedRaw((await raw("GET", "/health", fields(400, 1))).status),
  );
  await findings.check("64 KB of header fields", async () =>
    refusedRaw((await raw("GET", "/health", fields(8, 8000))).status),
  );
  const picture = photograph(seed + 4, 64);
  await findings.check("a type that is not taken", async () =>
    refusedAs(await probe.predict(picture, "text/html"), 400, "UNSUPPORTED_IMAGE_TYPE"),
  );
  await findings.check("a compressed body", async () =>
    refusedAs(
      await probe.predict(picture, "image/png", { headers: { "Content-Encoding": "gzip" } }),
      400,
      "INVALID_REQUEST",
    ),
  );
  await findings.check("a query out of range", async () =>
    refusedAs(
      await probe.ask("/api/v1/predict?top_k=0", {
        method: "POST",
        body: picture,
        headers: { "Content-Type": "image/png" },
      }),
      422,
      "VALIDATION_FAILED",
    ),
  );
  await findings.check("a method that is not taken", async () => {
    const reply = await probe.ask("/api/v1/predict", { method: "DELETE" });
    demand(reply.headers.has("allow"), `${described(reply)} without Allow`);
    return refusedAs(reply, 405, "METHOD_NOT_ALLOWED");
  });
  await findings.check("rate limit declared", async () => {
    const reply = await probe.predict(photograph(seed + 5, 64), "image/png");
    const [policy, left] = ["ratelimit-policy", "ratelimit"].map((name) => reply.headers.get(name));
    return policy && left
      ? ok(`${policy}, ${left}`)
      : warning("no RateLimit headers: PINHOLE_RATE_LIMIT_ENABLED is off");
  });
  return findings.list;
}

/** Goes over the limit, waits as long as it is told, and tries again. Only when asked: others wait with us. */
export async function checkRateLimit(probe: Probe, seed: number): Promise<Finding[]> {
  const findings = new Findings("limits");
  const predict = (headers: Record<string, string> = {}) =>
    probe.predict(photograph(seed, 64), "image/png", { asIs: true, headers });
  let refusal: Reply | undefined;
  await findings.check("rate limit trips", async () => {
    for (let sent = 1; sent <= MOST_REQUESTS && refusal === undefined; sent++) {
      const reply = await predict();
      if (reply.status === 429) refusal = reply;
      else demand(reply.status < 500, `request ${sent} answers ${described(reply)}`);
    }
    if (refusal === undefined) return failed(`${MOST_REQUESTS} predictions were let in`);
    demand(problemCode(refusal) === "RATE_LIMIT_EXCEEDED", "the 429 is no problem document of the catalogue");
    demand(Number(refusal.headers.get("retry-after")) >= 1, "the 429 has no Retry-After");
    const limit = member(refusal.json, "limit");
    return ok(
      `429 with Retry-After: ${refusal.headers.get("retry-after")}${limit ? `, limit ${limit}` : ""}`,
    );
  });
  await findings.check("an invented address does not help", async () => {
    if (refusal === undefined) return skipped("the limit did not trip");
    const from = `198.51.100.${1 + (seed % 250)}`;
    const headers = { "X-Forwarded-For": from, "X-Real-IP": from, Forwarded: `for=${from}` };
    const reply = await predict(headers);
    return reply.status === 429
      ? ok("429 all the same")
      : failed("a client can choose its address: the proxy must set X-Forwarded-For, not append to it");
  });
  await findings.check("waiting out Retry-After succeeds", async () => {
    if (refusal === undefined) return skipped("the limit did not trip");
    const latest = await predict();
    const seconds = Number((latest.status === 429 ? latest : refusal).headers.get("retry-after"));
    if (seconds > 300) return skipped(`would take ${seconds} s`);
    if (latest.status === 429) await probe.wait(seconds, 429);
    const reply = latest.status === 429 ? await predict() : latest;
    return reply.status === 200
      ? ok(`200 after ${seconds} s`)
      : failed(`${described(reply)} after ${seconds} s`);
  });
  return findings.list;
}

function refusedAs(reply: Reply, status: number, code: string): Verdict {
  if (reply.status < 400 || reply.status > 499) return failed(`answers ${described(reply)}, not ${status}`);
  if (reply.status === status && problemCode(reply) === code) return ok(described(reply));
  return warning(`answers ${described(reply)}, not ${status} ${code}`);
}

const refusedRaw = (status: number): Verdict =>
  status >= 400 && status <= 499 ? ok(String(status)) : failed(`answers ${status}, not 4xx`);
