import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { loadConfig } from "../../src/config.ts";
import { parseDockerfile } from "../docker/dockerfile.ts";
import { makeCertificate } from "./nginx-site.ts";
import { freePort, OPERATOR_TOKEN, startServer } from "./server.ts";

const PROGRAMS = dirname(process.env.PINHOLE_TEST_PYTHON ?? "test/.tools/venv/bin/python");
const NGINX_USER = 101;
const SITE = "pinhole.example.com";
const VALUES = { SITE_NAMES: SITE, PINHOLE_OPERATOR_TOKEN: OPERATOR_TOKEN, GRAFANA_PASSWORD: "not-admin" };

interface Service {
  image: string;
  environment?: Record<string, string>;
  volumes?: { type: string; source: string; target: string; read_only?: boolean }[];
  ports?: { host_ip?: string; published: string; target: number }[];
  networks: Record<string, unknown>;
  healthcheck?: { test: string[] };
  deploy: { resources: { limits: Record<string, unknown> } };
  [key: string]: unknown;
}

interface Project {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, unknown>;
}

/** What Docker Compose makes of deploy/compose.yaml with these profiles; throws what it complains of. */
function compose(profiles: string[], values: Record<string, string> = VALUES): Project {
  const chosen = profiles.flatMap((profile) => ["--profile", profile]);
  const made = Bun.spawnSync(
    [join(PROGRAMS, "docker-compose"), "-f", "deploy/compose.yaml", ...chosen, "config", "--format", "json"],
    { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...values }, stdin: "ignore" },
  );
  const complaint = made.stderr.toString();
  if (made.exitCode !== 0 || complaint !== "") throw new Error(complaint);
  return JSON.parse(made.stdout.toString());
}

const ALL = ["backup", "observability", "scale"];
const SERVERS = ["server", "server-2", "server-3"];
const isServer = (name: string) => SERVERS.includes(name);

describe("compose.yaml", () => {
  test.each([
    [[], ["nginx", "server"]],
    [["scale"], ["nginx", ...SERVERS]],
    [["observability"], ["alloy", "docker-api", "grafana", "loki", "nginx", "prometheus", "server"]],
    [["backup"], ["backup", "nginx", "server"]],
    [ALL, ["alloy", "backup", "docker-api", "grafana", "loki", "nginx", "prometheus", ...SERVERS]],
  ])("profiles %p start %p", (profiles, names) => {
    expect(Object.keys(compose(profiles).services).sort()).toEqual(names.sort());
  });

  test.each(["SITE_NAMES", "PINHOLE_OPERATOR_TOKEN"])("does not start without %s", (name) => {
    const values: Record<string, string> = { ...VALUES };
    delete values[name];
    expect(() => compose([], values)).toThrow("set it in deploy/.env");
  });

  test("the example names every value that it asks for", async () => {
    const example = await Bun.file("deploy/compose.env.example").text();
    const asked = (await Bun.file("deploy/compose.yaml").text()).matchAll(/(?<!\$)\$\{(\w+)/g);
    for (const name of new Set([...asked].map((found) => found[1]!)))
      if (name !== "COMPOSE_PROJECT_NAME") expect(example).toMatch(new RegExp(`^#?${name}=`, "m"));
  });

  test("every service is hardened, limited, restarted, pinned, and its log bounded", () => {
    for (const [name, service] of Object.entries(compose(ALL).services)) {
      expect([name, service]).toMatchObject([
        name,
        {
          read_only: true,
          restart: "unless-stopped",
          cap_drop: ["ALL"],
          security_opt: ["no-new-privileges:true"],
          logging: { options: { "max-size": "10m", "max-file": "5" } },
          deploy: { resources: { limits: { cpus: expect.anything(), memory: expect.anything() } } },
        },
      ]);
      expect(service.image).toMatch(/:v?\d+\.\d+\.\d+$/);
      expect(service.cap_add).toBeUndefined();
      expect(service.privileged).toBeUndefined();
      // The image of the servers brings its own; that of Loki has nothing that could ask.
      const asks = service.healthcheck !== undefined;
      expect([name, asks]).toEqual([name, !isServer(name) && !["loki", "alloy"].includes(name)]);
    }
  });

  test("only nginx is open to the world, only it and Grafana's loopback port leave the inside", () => {
    const { services, networks } = compose(ALL);
    for (const [name, { ports = [], networks: joined }] of Object.entries(services)) {
      const open = ports.filter(({ host_ip }) => host_ip !== "127.0.0.1");
      expect([name, open.map(({ target }) => target)]).toEqual([name, name === "nginx" ? [8080, 8443] : []]);
      const outward = Object.keys(joined).filter((network) => !networks[network]!.internal);
      const expected = { nginx: ["outside"], grafana: ["operators"] }[name] ?? [];
      expect([name, outward]).toEqual([name, expected]);
    }
  });

  test("what is mounted from the repository is there, and read-only", () => {
    const ofTheMachine = ["/certificates", "/acme", "/docker.sock", "/backups"];
    for (const { volumes = [] } of Object.values(compose(ALL).services)) {
      for (const { type, source, read_only } of volumes.filter((volume) => volume.type === "bind")) {
        // Backups are what it is there to write.
        const writes = source.endsWith("/backups") ? undefined : true;
        expect([type, source, read_only]).toEqual(["bind", source, writes]);
        if (!ofTheMachine.some((name) => source.endsWith(name)))
          expect([source, existsSync(source)]).toEqual([source, true]);
      }
    }
  });

  test("each server keeps its state for itself, believes nginx alone and has time to drain", async () => {
    const { services } = compose(ALL);
    const volumes = SERVERS.map((name) => services[name]!.volumes);
    expect(volumes).toMatchObject(
      ["data", "data-2", "data-3"].map((source) => [{ source, target: "/data" }]),
    );
    const stages = parseDockerfile(await Bun.file("Dockerfile").text());
    expect(stages.at(-1)!.instructions.find(({ name }) => name === "VOLUME")!.text).toBe("/data");
    const production = { PINHOLE_ENVIRONMENT: "production" };
    for (const name of SERVERS) {
      const config = loadConfig({ ...production, ...services[name]!.environment }, ".");
      expect(config.trustedProxies).toEqual(["172.31.250.0/24"]);
      expect(config.operatorToken).toBe(OPERATOR_TOKEN);
      expect(seconds(services[name]!.stop_grace_period) * 1000).toBeGreaterThan(
        config.drainDelayMs + config.drainTimeoutMs,
      );
    }
  });
});

/** "1m30s" */
function seconds(duration: unknown): number {
  const [, minutes = "0", rest = "0"] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(String(duration)) ?? [];
  return Number(minutes) * 60 + Number(rest);
}

describe("what its containers run", () => {
  let scratch: string;

  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), "pinhole-compose-"));
    await chmod(scratch, 0o755);
    await mkdir(join(scratch, "tmp"));
    await chmod(join(scratch, "tmp"), 0o1777);
  });

  afterEach(() => rm(scratch, { recursive: true, force: true }));

  /** A configuration of nginx as it is, but for the folder and the port that a container has to itself. */
  async function inScratch(path: string, changes: Record<string, string>): Promise<string> {
    let text = await Bun.file(path).text();
    for (const [from, to] of Object.entries({ "/tmp/": `${scratch}/tmp/`, ...changes })) {
      expect([path, text]).toEqual([path, expect.stringContaining(from)]);
      text = text.replaceAll(from, to);
    }
    const target = join(scratch, path);
    await Bun.write(target, text);
    return target;
  }

  test("nginx serves the servers that are there, takes a renewed certificate, and ends gracefully", async () => {
    const { environment } = compose(["scale"]).services.nginx!;
    await using server = await startServer({ PINHOLE_TRUSTED_PROXIES: "127.0.0.1" });
    const [http, https, own] = [freePort(), freePort(), freePort()];
    const path = (name: string) => join(scratch, name);
    await cp("deploy/nginx", path("deploy/nginx"), { recursive: true });
    const start = await inScratch("deploy/compose/start-nginx", {});
    await inScratch("deploy/compose/nginx.conf", { "127.0.0.1:8081": `127.0.0.1:${own}` });
    for (const name of ["certificates", "acme"]) {
      await mkdir(path(name), { recursive: true });
      await chown(path(name), NGINX_USER, NGINX_USER);
    }
    const certificate = { path: path("certificates/fullchain.pem"), key: path("certificates/privkey.pem") };
    const renew = async () => {
      makeCertificate(certificate.path, certificate.key);
      await chown(certificate.key, NGINX_USER, NGINX_USER);
      return Bun.file(certificate.path).text();
    };
    const asNginx = ["setpriv", `--reuid=${NGINX_USER}`, `--regid=${NGINX_USER}`, "--clear-groups"];
    const withoutRights = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"];
    const log = path("nginx.log");
    let ca = await renew();
    const nginx = Bun.spawn([...asNginx, ...withoutRights, "/bin/sh", start], {
      env: {
        PATH: `${process.env.PATH}:/usr/sbin`,
        ...environment,
        PINHOLE_DEPLOY: path("deploy"),
        CHECK_SECONDS: "1",
        // The name of the servers leads to one address; of the others nobody knows.
        SERVER_NAMES: "127.0.0.1 no-such-server.invalid",
        SERVER_PORT: String(server.port),
        SITE_NAMES: "localhost",
        SITE_LISTEN_HTTP: `127.0.0.1:${http}`,
        SITE_LISTEN_HTTPS: `127.0.0.1:${https}`,
        SITE_HTTPS_PORT: String(https),
        SITE_CERTIFICATE: certificate.path,
        SITE_CERTIFICATE_KEY: certificate.key,
        SITE_ACME_ROOT: path("acme"),
        SITE_CACHE_DIR: path("tmp/assets"),
        SITE_ACCESS_LOG: path("tmp/access.log"),
        SITE_ERROR_LOG: path("tmp/error.log"),
      },
      stdin: "ignore",
      stdout: Bun.file(log),
      stderr: Bun.file(`${log}.err`),
    });
    const said = async () => `${await Bun.file(`${log}.err`).text()}${await Bun.file(log).text()}`;
    try {
      await until(async () => (await fetch(`http://127.0.0.1:${own}/`)).status === 204, said);
      const ask = (target: string, init: RequestInit = {}) =>
        fetch(`https://localhost:${https}${target}`, { ...init, tls: { ca }, keepalive: false });
      expect((await ask("/health/ready")).status).toBe(200);
      const answer = await ask("/api/v1/predict?top_k=1", {
        method: "POST",
        body: Bun.file("test/fixtures/leaves/tomato_leaf_mold.jpg"),
        headers: { "Content-Type": "image/jpeg" },
      });
      expect(await answer.json()).toMatchObject({ predictions: [{ class_id: "tomato_leaf_mold" }] });
      expect((await ask("/metrics")).status).toBe(403);

      const before = ca;
      ca = await renew();
      expect(ca).not.toBe(before);
      await until(async () => (await ask("/health/live")).status === 200, said);
      expect(await said()).toContain(`reloading for 127.0.0.1:${server.port}`);
      nginx.kill("SIGQUIT");
      expect(await nginx.exited).toBe(0);
    } finally {
      nginx.kill("SIGQUIT");
      await nginx.exited;
    }
    expect(await leftBehind(scratch)).toEqual([]);
  }, 60_000);

  test("docker-api lets containers be listed and their logs be read, and nothing else", async () => {
    const socket = join(scratch, "docker.sock");
    const asked: string[] = [];
    await using engine = Bun.serve({
      unix: socket,
      fetch(request) {
        asked.push(`${request.method} ${new URL(request.url).pathname}`);
        return new Response("from the engine");
      },
    });
    expect(engine).toBeDefined();
    const port = freePort();
    const configuration = await inScratch("deploy/compose/docker-api.conf", {
      "listen 2375": `listen 127.0.0.1:${port}`,
      "/var/run/docker.sock": socket,
    });
    const withoutRights = ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"];
    const program = Bun.which("nginx") ?? "/usr/sbin/nginx";
    const nginx = Bun.spawn([...withoutRights, program, "-c", configuration, "-g", "daemon off;"], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    try {
      const ask = async (method: string, path: string) =>
        (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status;
      await until(
        async () => (await ask("GET", "/_ping")) === 200,
        () => nginx.stderr.text(),
      );
      const id = "0123456789abcdef";
      const allowed = [
        "/v1.47/containers/json?all=1",
        "/networks",
        `/v1.47/containers/${id}/logs?follow=1`,
        `/containers/${id}/json`,
      ];
      for (const path of allowed) expect([path, await ask("GET", path)]).toEqual([path, 200]);
      const reached = asked.length;
      for (const [method, path] of [
        ["POST", "/v1.47/containers/create"],
        ["POST", "/v1.47/containers/json"],
        ["DELETE", `/v1.47/containers/${id}/json`],
        ["POST", `/v1.47/containers/${id}/kill`],
        ["GET", `/v1.47/containers/${id}/export`],
        ["GET", `/v1.47/containers/${id}/archive?path=/`],
        ["GET", "/v1.47/images/json"],
        ["GET", `/containers/${id}/logs/../export`],
        ["GET", `/containers/${id}%2fexport%3f/logs`],
        ["GET", "/v1.47/secrets"],
      ] as const)
        expect([method, path, await ask(method, path)]).toEqual([method, path, 403]);
      expect(asked.slice(reached)).toEqual([]);
    } finally {
      nginx.kill("SIGTERM");
      await nginx.exited;
    }
  }, 30_000);
});

async function until(isSo: () => Promise<boolean>, said: () => Promise<string>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isSo().catch(() => false)) return;
    await Bun.sleep(50);
  }
  throw new Error(`it did not come about: ${await said()}`);
}

/** Processes that still run from this folder. */
async function leftBehind(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await Bun.file(`/proc/${pid}/cmdline`)
      .text()
      .catch(() => "");
    if (line.includes(folder)) found.push(line);
  }
  return found;
}
