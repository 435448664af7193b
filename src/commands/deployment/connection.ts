import { connect } from "node:tls";
import { demand, type Finding, Findings, failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import { described, type Probe } from "./probe.ts";

/** Days before the end of a certificate from which on its renewal is overdue. */
const RENEWAL_DAYS = 21;
const DAY_MS = 24 * 3600 * 1000;

/** Whether there is anybody, and how the way there is secured. */
export async function checkConnection(probe: Probe): Promise<Finding[]> {
  const findings = new Findings("connection");
  const { url } = probe;
  await findings.check("reachable", async () => {
    const reply = await probe.ask("/health/live");
    if (reply.status >= 300 && reply.status < 400)
      return failed(`redirects to ${reply.headers.get("location")}: check that address`);
    demand(reply.status === 200, `/health/live answers ${described(reply)}: is this the server's address?`);
    return ok(`/health/live answers in ${Math.round(reply.ms)} ms`);
  });
  if (url.protocol !== "https:") {
    await findings.check("encryption", () =>
      isLoopback(url)
        ? skipped("plain HTTP, but only on this machine")
        : warning("plain HTTP: photographs and tokens can be read on the way; put TLS before it"),
    );
    return findings.list;
  }
  await findings.check("certificate", () => certificate(probe));
  for (const version of ["TLSv1", "TLSv1.1"] as const)
    await findings.check(`${version} is refused`, async () => {
      const spoken = await handshake(probe, version);
      return spoken === null
        ? ok("refused")
        : failed(`${spoken.protocol} was accepted: allow 1.2 and 1.3 only`);
    });
  await findings.check("redirect from plain HTTP", () => redirect(probe));
  return findings.list;
}

async function certificate(probe: Probe): Promise<Verdict> {
  const spoken = await handshake(probe);
  if (spoken === null) return failed("the TLS handshake failed");
  const days = Math.floor((spoken.validTo - Date.now()) / DAY_MS);
  const text = `${spoken.protocol}, certificate valid for ${days} days`;
  if (probe.options.insecure) return warning(`${text}; not verified (--insecure)`);
  return days < RENEWAL_DAYS ? warning(`${text}: renew it`) : ok(text);
}

/** @param only the one version that is offered; null: it was refused, or nobody is there */
function handshake(
  probe: Probe,
  only?: "TLSv1" | "TLSv1.1",
): Promise<{ protocol: string; validTo: number } | null> {
  const host = probe.url.hostname.replace(/^\[|\]$/g, "");
  const versions = only === undefined ? {} : { minVersion: only, maxVersion: only };
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(probe.url.port) || 443,
      servername: /^[\d.]+$|:/.test(host) ? "" : host,
      // Whether it can be trusted is judged by every other request.
      rejectUnauthorized: false,
      ...versions,
    });
    const end = (result: { protocol: string; validTo: number } | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end(null), probe.options.timeoutMs);
    socket.on("secureConnect", () =>
      end({
        protocol: socket.getProtocol() ?? "TLS",
        validTo: Date.parse(socket.getPeerCertificate().valid_to),
      }),
    );
    socket.on("error", () => end(null));
    socket.on("close", () => end(null));
  });
}

async function redirect(probe: Probe): Promise<Verdict> {
  const { url } = probe;
  if (url.port !== "")
    return skipped("the address has a port of its own, so that of plain HTTP is not known");
  const timeout = { redirect: "manual", signal: AbortSignal.timeout(probe.options.timeoutMs) } as const;
  const response = await fetch(`http://${url.host}/health/live`, timeout).catch(() => null);
  if (response === null) return ok("nobody listens on port 80");
  await response.body?.cancel();
  const target = response.headers.get("location") ?? "";
  const redirects = response.status >= 300 && response.status < 400;
  return redirects && target.startsWith("https://")
    ? ok(`${response.status} to ${target}`)
    : failed(`port 80 answers ${response.status} without sending to https`);
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
}
