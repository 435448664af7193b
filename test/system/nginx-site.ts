import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./server.ts";

const DEPLOY = new URL("../../deploy/nginx/", import.meta.url).pathname;
const START_TIMEOUT_MS = 10_000;

export const SITE_NAME = "localhost";

/** Debian's nginx with the site of deploy/nginx on free ports of loopback, under a throwaway certificate. */
export interface RunningSite extends AsyncDisposable {
  /** https://localhost:port */
  url: string;
  httpUrl: string;
  httpPort: number;
  httpsPort: number;
  /** PEM of the certificate, which signed itself. */
  certificate: string;
  certificatePath: string;
  /** Where ACME clients put their proofs. */
  acmeRoot: string;
  accessLog(): Promise<Record<string, unknown>[]>;
  /** The line of this request; it may come a little after the answer. */
  logged(requestId: string): Promise<Record<string, unknown>>;
  errorLog(): Promise<string>;
  /** `fetch` through the site, trusting its certificate. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

/** The site's configuration as `render` makes it. Throws what `render` says when it refuses. */
export function render(template: string, variables: Record<string, string>): string {
  const made = Bun.spawnSync([join(DEPLOY, "render"), template], {
    env: { PATH: process.env.PATH, ...variables },
  });
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return made.stdout.toString();
}

/** Starts nginx before these `host:port` and waits until it listens. */
export async function startSite(
  servers: string[],
  variables: Record<string, string> = {},
): Promise<RunningSite> {
  const home = await mkdtemp(join(tmpdir(), "pinhole-nginx-"));
  await chmod(home, 0o755);
  const path = (name: string) => join(home, name);
  const [httpPort, httpsPort] = [freePort(), freePort()];
  const all = {
    SITE_NAMES: SITE_NAME,
    SITE_SERVERS: servers.join(" "),
    SITE_CERTIFICATE: path("certificate.pem"),
    SITE_CERTIFICATE_KEY: path("key.pem"),
    SITE_LISTEN_HTTP: `127.0.0.1:${httpPort}`,
    SITE_LISTEN_HTTPS: `127.0.0.1:${httpsPort}`,
    SITE_HTTPS_PORT: String(httpsPort),
    SITE_ACME_ROOT: path("acme"),
    SITE_CACHE_DIR: path("cache"),
    SITE_ACCESS_LOG: path("access.log"),
    SITE_ERROR_LOG: path("error.log"),
    ...variables,
  };
  await Bun.write(path("site.conf"), render("site.conf.template", all));
  await Bun.write(path("catch-all.conf"), render("catch-all.conf.template", all));
  await Bun.write(path("nginx.conf"), mainConfiguration(home));
  for (const folder of ["acme", "temporary"]) await mkdir(path(folder));
  makeCertificate(all.SITE_CERTIFICATE, all.SITE_CERTIFICATE_KEY);

  const argv = [nginxProgram(), "-p", home, "-e", path("error.log"), "-c", path("nginx.conf")];
  const tested = Bun.spawnSync([...argv, "-t"]);
  if (tested.exitCode !== 0) throw new Error(`nginx -t: ${tested.stderr}`);
  const child = Bun.spawn(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const certificate = await Bun.file(all.SITE_CERTIFICATE).text();
  const site: RunningSite = {
    url: `https://${SITE_NAME}:${httpsPort}`,
    httpUrl: `http://${SITE_NAME}:${httpPort}`,
    httpPort,
    httpsPort,
    certificate,
    certificatePath: all.SITE_CERTIFICATE,
    acmeRoot: all.SITE_ACME_ROOT,
    async accessLog() {
      const text = await Bun.file(all.SITE_ACCESS_LOG).text();
      return text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    },
    async logged(requestId) {
      for (let tries = 0; tries < 100; tries++) {
        const line = (await site.accessLog()).findLast(({ request_id }) => request_id === requestId);
        if (line) return line;
        await Bun.sleep(20);
      }
      throw new Error(`the access log has no line of ${requestId}`);
    },
    errorLog: () => Bun.file(all.SITE_ERROR_LOG).text(),
    fetch: (target, init) => fetch(`${site.url}${target}`, { ...init, tls: { ca: certificate } }),
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      await rm(home, { recursive: true, force: true });
    },
    [Symbol.asyncDispose]: () => site.stop(),
  };
  try {
    await listens(httpsPort);
  } catch (thrown) {
    const log = await site.errorLog();
    await site.stop();
    throw new Error(`nginx did not start: ${thrown}\n${log}`);
  }
  return site;
}

/** Debian keeps it where only root looks. */
function nginxProgram(): string {
  return Bun.which("nginx") ?? "/usr/sbin/nginx";
}

/**
 * Like Debian's nginx.conf, old protocols included: what the site wants it must say itself. As many connections as in
 * deploy/compose.
 */
function mainConfiguration(home: string): string {
  return `${process.getuid?.() === 0 ? "user www-data;" : ""}
daemon off;
worker_processes 2;
worker_rlimit_nofile 8192;
pid ${home}/nginx.pid;
error_log ${home}/error.log warn;
events { worker_connections 4096; }
http {
  types { text/html html; }
  default_type application/octet-stream;
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
  client_body_temp_path ${home}/temporary/body;
  proxy_temp_path ${home}/temporary/proxy;
  fastcgi_temp_path ${home}/temporary/fastcgi;
  uwsgi_temp_path ${home}/temporary/uwsgi;
  scgi_temp_path ${home}/temporary/scgi;
  include ${home}/site.conf;
  include ${home}/catch-all.conf;
}
`;
}

export function makeCertificate(certificate: string, key: string): void {
  const made = Bun.spawnSync([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
    ...["-keyout", key, "-out", certificate, "-days", "2", "-subj", `/CN=${SITE_NAME}`],
    ...["-addext", `subjectAltName=DNS:${SITE_NAME},IP:127.0.0.1`],
  ]);
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr}`);
}

async function listens(port: number): Promise<void> {
  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).catch(
      () => null,
    );
    if (socket) {
      socket.end();
      return;
    }
    if (performance.now() > giveUpAt) throw new Error(`nobody listens after ${START_TIMEOUT_MS} ms`);
    await Bun.sleep(25);
  }
}
