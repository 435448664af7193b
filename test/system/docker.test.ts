import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { type Container, startContainer } from "../docker/container.ts";
import { addedFiles, buildImage, type Image } from "../docker/image.ts";
import { childrenOf } from "./processes.ts";
import { freePort } from "./server.ts";

/**
 * The Dockerfile's steps are executed here, and its server runs as a container would: another root, read-only,
 * no capabilities, its user. What is not the real thing is the base image: in its place stands the system of this
 * machine, or with test/docker/debootstrap.sh a Debian like the one it is made from.
 */
const LIMIT_MB = 300;
/** debian:trixie-slim with ca-certificates, as test/docker/debootstrap.sh measures it. */
const BASE_SYSTEM_MB = 84;

const FLOWER = "tomato_leaf_mold";
const photograph = () => Bun.file(`test/fixtures/leaves/${FLOWER}.jpg`).bytes();

let scratch: string;
let image: Image;
let added: Map<string, number>;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "pinhole-docker-"));
  image = await buildImage(scratch);
  added = await addedFiles(image);
}, 180_000);

afterAll(() => rm(scratch, { recursive: true, force: true }));

describe("the image", () => {
  test("is made from the official Bun image, in the version that is tested here", () => {
    expect(image.base).toBe(`oven/bun:${Bun.version}-slim`);
  });

  test("says what it is", () => {
    expect(image.labels).toMatchObject({
      "org.opencontainers.image.title": "Pinhole",
      "org.opencontainers.image.version": packageJson.version,
      "org.opencontainers.image.base.name": `docker.io/${image.base}`,
    });
  });

  test("is stopped by the signal that drains, keeps its state in one volume and is not root", () => {
    expect(image.stopSignal).toBe("SIGTERM");
    expect(image.volumes).toEqual(["/data"]);
    expect(image.env.PINHOLE_DATA_DIR).toBe("/data");
    expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test("holds what production needs and nothing of development", () => {
    const paths = [...added.keys()];
    for (const name of Object.keys(packageJson.dependencies))
      expect(paths).toContain(`app/node_modules/${name}/package.json`);
    for (const name of Object.keys(packageJson.devDependencies))
      expect(paths).not.toContain(`app/node_modules/${name}/package.json`);
    const ours = paths.filter((path) => !path.startsWith("app/node_modules/"));
    expect(ours.filter((path) => /\.(test|contract|fixture)\.ts$|\/training\//.test(path))).toEqual([]);
    const own = new Set(paths.map((path) => path.split("/").slice(0, 2).join("/")));
    expect([...own].sort()).toEqual(
      [
        ".env.production",
        "db",
        "models",
        "node_modules",
        "package.json",
        "src",
        "tsconfig.json",
        "workers",
      ].map((name) => `app/${name}`),
    );
  });

  test(`is smaller than ${LIMIT_MB} MB`, async () => {
    const ours = [...added.values()].reduce((sum, size) => sum + size, 0) / 1e6;
    const bun = (await stat(process.execPath)).size / 1e6;
    const whole = ours + bun + BASE_SYSTEM_MB;
    console.log(
      `image: ${whole.toFixed(0)} MB = our layers ${ours.toFixed(1)} (measured) + Bun ${bun.toFixed(1)} (measured) + system ${BASE_SYSTEM_MB} (stated)`,
    );
    expect(whole).toBeLessThan(LIMIT_MB);
  });
});

describe("the container", () => {
  let container: Container;

  beforeAll(async () => {
    container = await startContainer(image, scratch, {
      PORT: String(freePort()),
      HOST: "127.0.0.1",
      PINHOLE_DRAIN_DELAY_MS: "100",
    });
  }, 90_000);

  afterAll(() => container?.kill());

  const health = (env?: Record<string, string>) => container.exec(image.healthcheck!.exec!, { env });

  test("answers a photograph", async () => {
    const response = await fetch(`${container.url}/api/v1/predict?top_k=1`, {
      method: "POST",
      headers: { "Content-Type": "image/jpeg" },
      body: await photograph(),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      predictions: [{ class_id: FLOWER }],
      confidence_status: "HIGH",
    });
  });

  test("has the fast decoder", async () => {
    const said = () => container.log().then((log) => log.includes('"decoders":["libjpeg-turbo","sharp"]'));
    // Lines of the log are written together, a moment later.
    for (let tries = 0; tries < 50 && !(await said()); tries++) await Bun.sleep(100);
    expect(await said()).toBe(true);
  });

  test("runs as its user, without capabilities, and can gain none", async () => {
    const [uid, gid] = image.user.split(":");
    for (const pid of [container.pid, ...childrenOf(container.pid)]) {
      const status = await Bun.file(`/proc/${pid}/status`).text();
      expect(status).toMatch(new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, "m"));
      expect(status).toMatch(new RegExp(`^Gid:\t${gid}\t${gid}\t${gid}\t${gid}$`, "m"));
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd"])
        expect(status).toMatch(new RegExp(`^${set}:\t0+$`, "m"));
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    }
  });

  test("starts its server again when that dies", async () => {
    const [server = 0] = childrenOf(container.pid);
    process.kill(server, "SIGKILL");
    while (childrenOf(container.pid)[0] === server || (await health()).code !== 0) await Bun.sleep(50);
    expect(childrenOf(container.pid)).toHaveLength(1);
  }, 30_000);

  test("writes to its volume and to /tmp, and nowhere else", async () => {
    for (const path of ["/data/probe", "/tmp/probe"])
      expect(await container.exec(["touch", path])).toMatchObject({ code: 0 });
    for (const path of ["/app/probe", "/app/src/index.ts", "/probe", "/usr/local/bin/probe", "/etc/passwd"]) {
      expect([path, (await container.exec(["touch", path])).code]).toEqual([path, 1]);
      // Not for want of rights alone.
      const { output } = await container.exec(["touch", path], { user: "0:0" });
      expect([path, output]).toEqual([path, expect.stringContaining("Read-only file system")]);
    }
  });

  test("reports to nobody: ONNX Runtime's telemetry would keep an id of the machine and wait to send", async () => {
    const { output } = await container.exec(["find", "/tmp", "-name", "deviceid"]);
    expect(output).toBe("");
  });

  test("the other commands run in it", async () => {
    for (const command of [
      ["bun", "run", "backup"],
      ["bun", "run", "models:verify"],
    ]) {
      const { code, output } = await container.exec(command);
      expect([command, code, output]).toEqual([command, 0, output]);
    }
    expect(await readdir(join(container.volume, "backups"))).not.toEqual([]);
  }, 60_000);

  test("its health check tells a server that answers from one that does not", async () => {
    expect(await health()).toEqual({ code: 0, output: "" });
    expect(await health({ PORT: String(freePort()) })).toEqual({ code: 1, output: "" });
  });

  test("ends with 0 at its stop signal, its state in the volume and the image as it was", async () => {
    expect(await container.stop()).toBe(0);
    expect(await readdir(container.volume)).toContain("pinhole.sqlite");
    expect(await addedFiles(image)).toEqual(added);
  });
});
