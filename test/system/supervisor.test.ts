import { describe, expect, test } from "bun:test";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownBytes, residentBytes } from "./held.ts";
import { plain } from "./pictures.ts";
import { childrenOf, isZombie } from "./processes.ts";
import { RawConnection } from "./raw-http.ts";
import { type RunningServer, type StartOptions, startServer } from "./server.ts";

const SMALL_MODELS = { PINHOLE_MODELS_DIR: "test/fixtures/models", PINHOLE_MODEL_DEFAULT: "rgb-float32" };
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
/** Generous: a start takes half a second where nothing else runs. */
const SOON_MS = 30_000;

const start = (settings: Record<string, string> = {}, options: StartOptions = {}) =>
  startServer({ ...SMALL_MODELS, ...settings }, { ...options, supervised: true });

async function until(what: string, isIt: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + SOON_MS;
  while (!(await isIt())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${SOON_MS} ms: ${what}`);
    await Bun.sleep(10);
  }
}

/** Status, or null where nobody answers. */
const readiness = async (server: RunningServer): Promise<number | null> => {
  const response = await fetch(`${server.url}/health/ready`).catch(() => null);
  await response?.body?.cancel();
  return response?.status ?? null;
};

/** The one server process that is not `before`, once it is ready. */
async function successor(server: RunningServer, before: number): Promise<number> {
  let pid = before;
  await until("another server process", () => {
    [pid = before] = childrenOf(server.pid);
    return pid !== before;
  });
  await until("ready again", async () => (await readiness(server)) === 200);
  return pid;
}

/** A request whose body has been sent but for its last bytes. */
async function halfSent(server: RunningServer, picture: Uint8Array<ArrayBuffer>) {
  const connection = await RawConnection.open(server.port);
  connection.send(
    `POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: ${picture.length}\r\n\r\n`,
  );
  connection.send(picture.subarray(0, 20));
  return { connection, finish: () => connection.send(picture.subarray(20)) };
}

describe("a server process that dies", () => {
  test("is started again, each time it is killed", async () => {
    await using server = await start({ PINHOLE_RESTART_LIMIT: "50" });
    console.log(
      `supervisor: ${mib(residentBytes(server.pid))} resident, ${mib(ownBytes(server.pid))} its own`,
    );
    let [pid = 0] = childrenOf(server.pid);
    const took: number[] = [];
    for (let round = 0; round < 3; round++) {
      const from = performance.now();
      process.kill(pid, "SIGKILL");
      pid = await successor(server, pid);
      took.push(performance.now() - from);
    }
    console.log(`kill -9, ready again after ${took.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(0);
    expect((await server.log()).match(/"reason":"killed".*"msg":"server process ended"/g)).toHaveLength(3);
  });

  test("again and again: everything ends with its code", async () => {
    await using server = await start({ PINHOLE_RESTART_LIMIT: "2" });
    let [pid = 0] = childrenOf(server.pid);
    for (let round = 0; round < 2; round++) {
      process.kill(pid, "SIGKILL");
      pid = await successor(server, pid);
    }
    process.kill(pid, "SIGKILL");
    expect(await server.exited).toBe(137);
    expect(await readiness(server)).toBeNull();
  });

  test("because it hangs: it is killed and started again", async () => {
    await using server = await start({ PINHOLE_PROCESS_SILENT_MS: "1000" });
    const [pid = 0] = childrenOf(server.pid);
    process.kill(pid, "SIGSTOP");
    await successor(server, pid);
    await server.said('"reason":"silent"');
  });

  test("because its workers get nowhere: it is killed and started again", async () => {
    await using server = await start({
      PINHOLE_MODELS_DIR: "test/fixtures/wedging-models",
      PINHOLE_MODEL_DEFAULT: "wedges-on-grey",
      PINHOLE_WORKER_COUNT: "1",
      PINHOLE_WORKER_WEDGED_MS: "600000",
      PINHOLE_DEADLINE_MS: "300",
      PINHOLE_PROCESS_SILENT_MS: "1000",
    });
    const [pid = 0] = childrenOf(server.pid);
    const body = await plain(255, 255, 255);
    await fetch(`${server.url}/api/v1/predict`, { method: "POST", body });
    await successor(server, pid);
    await server.said('"reason":"silent"');
  });

  test("when its model has been broken meanwhile: tried again, then given up with the code that says so", async () => {
    const models = await mkdtemp(join(tmpdir(), "pinhole-models-"));
    try {
      await cp("test/fixtures/models/rgb-float32", join(models, "rgb-float32"), { recursive: true });
      await using server = await start({ PINHOLE_MODELS_DIR: models, PINHOLE_RESTART_LIMIT: "1" });
      await rm(join(models, "rgb-float32"), { recursive: true });
      process.kill(childrenOf(server.pid)[0]!, "SIGKILL");
      expect(await server.exited).toBe(78);
    } finally {
      await rm(models, { recursive: true, force: true });
    }
  });
});

describe("the first start", () => {
  test.each([
    ["a setting", { PINHOLE_QUEUE_CAPACITY: "none" }, "PINHOLE_QUEUE_CAPACITY"],
    ["a model", { PINHOLE_MODEL_DEFAULT: "nobody" }, "received nobody"],
    [
      "what production asks for",
      { PINHOLE_ENVIRONMENT: "production", PINHOLE_OPERATOR_TOKEN: "a".repeat(32) },
      "PINHOLE_OPERATOR_TOKEN can be guessed",
    ],
  ])("%s is wrong: told once, and not tried again", async (_, settings, told) => {
    const message = await start(settings).then(() => "it started", String);
    expect(message).toContain("it ended with code 78");
    expect(message.split("\n").filter((line) => line.includes(told)).length).toBe(1);
  });
});

describe("stop", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s: what is in flight is answered, then exit 0",
    async (signal) => {
      await using server = await start();
      const { connection, finish } = await halfSent(server, await plain(255, 0, 0));
      // The server has seen the head.
      await Bun.sleep(100);
      server.signal(signal);
      await until("nobody listens", async () => (await readiness(server)) === null);
      finish();
      expect((await connection.answer())?.status).toBe(200);
      expect(await server.exited).toBe(0);
    },
  );

  test("the exit code of the server process is kept", async () => {
    await using server = await start({ PINHOLE_DRAIN_TIMEOUT_MS: "300" });
    const { connection } = await halfSent(server, await plain(255, 0, 0));
    await Bun.sleep(100);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(1);
    connection.cut();
  });

  test("a second signal ends it at once", async () => {
    await using server = await start({ PINHOLE_DRAIN_DELAY_MS: "60000" });
    server.signal("SIGTERM");
    await until("it drains", async () => (await readiness(server)) === 503);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(130);
  });

  test("SIGUSR2 reaches the server process", async () => {
    await using server = await start();
    server.signal("SIGUSR2");
    await until("the level changes", async () => (await server.log()).includes("log level changed"));
  });
});

test("killed itself, it leaves nobody behind: what is in flight is answered, and the port is free", async () => {
  await using server = await start({ PINHOLE_DRAIN_DELAY_MS: "60000" });
  const [pid = 0] = childrenOf(server.pid);
  const { connection, finish } = await halfSent(server, await plain(0, 255, 0));
  await Bun.sleep(100);
  server.signal("SIGKILL");
  await until("nobody listens", async () => (await readiness(server)) === null);
  finish();
  expect((await connection.answer())?.status).toBe(200);
  await until("it is gone", () => !isAlive(pid));
});

test("as process 1: signals reach it, and it waits for those that it inherits", async () => {
  const namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"];
  await using server = await start({}, { under: namespace });
  const [first = 0] = childrenOf(server.pid);
  expect(await Bun.file(`/proc/${first}/status`).text()).toMatch(/^NSpid:\t\d+\t1$/m);
  const [pid = 0] = childrenOf(first);
  const inside = ["nsenter", "--target", String(first), "--pid", "--mount"];
  expect(Bun.spawnSync([...inside, "sh", "-c", "(sleep 0.2 &)"]).exitCode).toBe(0);
  await until("it has inherited a process that died", () => childrenOf(first).some(isZombie));
  await until("that is gone", () => !childrenOf(first).some(isZombie));
  expect(childrenOf(first)).toEqual([pid]);
  process.kill(first, "SIGTERM");
  expect(await server.exited).toBe(0);
}, 60_000);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
