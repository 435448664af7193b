import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/exit-codes.ts";
import { SETTINGS } from "../../src/settings.ts";
import { plain } from "./pictures.ts";
import { childrenOf } from "./processes.ts";
import { OPERATOR_TOKEN, type RunningServer, startServer } from "./server.ts";

const UNIT = "deploy/systemd/pinhole.service";
const PYTHON = process.env.PINHOLE_TEST_PYTHON ?? "python3";
const SMALL_MODELS = { PINHOLE_MODELS_DIR: "test/fixtures/models", PINHOLE_MODEL_DEFAULT: "rgb-float32" };

let scratch: string;
let unit: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "pinhole-systemd-"));
  unit = await Bun.file(UNIT).text();
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

/** The values of a key of the unit, in order. */
const values = (key: string) =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map((found) => found[1]!);

async function output(argv: string[]): Promise<string> {
  const child = Bun.spawn(argv, { stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const said = (await child.stdout.text()) + (await child.stderr.text());
  if ((await child.exited) !== 0) throw new Error(`${argv.join(" ")}: ${said}`);
  return said;
}

describe("the unit", () => {
  test("is what systemd takes, without a complaint", async () => {
    // It is installed elsewhere than here; everything else is read as it stands.
    const here = join(scratch, "pinhole.service");
    await Bun.write(here, unit.replace("/opt/pinhole/bin/bun", process.execPath));
    expect(await output(["systemd-analyze", "verify", here])).toBe("");
  });

  const version = Number(
    /^systemd (\d+)/.exec(Bun.spawnSync(["systemctl", "--version"]).stdout.toString())?.[1],
  );

  // Each version weighs other things.
  test.skipIf(version !== 252)("exposes as much as the documents say", async () => {
    const said = await output(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT]);
    const figure = /Overall exposure level for pinhole.service: ([\d.]+)/.exec(said)?.[1];
    for (const path of ["README.md", "docs/operations-deploy.md"]) {
      const told = [...(await Bun.file(path).text()).matchAll(/exposure level (?:of )?\*{0,2}([\d.]+\d)/g)];
      expect([path, ...told.map((found) => found[1])]).toEqual([path, figure!]);
    }
  });

  test("waits longer than a drain takes, and restarts what fails", async () => {
    const production = await Bun.file(".env.production").text();
    const delayMs = Number(/^PINHOLE_DRAIN_DELAY_MS=(\d+)$/m.exec(production)?.[1]);
    const drainMs = delayMs + SETTINGS.drainTimeoutMs.default;
    expect(Number(values("TimeoutStopSec")[0]) * 1000).toBeGreaterThan(drainMs);
    expect(values("Restart")).toEqual(["on-failure"]);
    expect(values("Type")).toEqual(["notify"]);
    expect(values("NotifyAccess")).toEqual(["all"]);
    expect(values("RestartPreventExitStatus")).toEqual([String(EXIT.misconfigured)]);
    expect(values("ExecStart")[0]).toEndWith(" src/supervisor/main.ts");
  });

  test("lets every system call through that a server makes, from start to stop", async () => {
    const trace = join(scratch, "trace");
    await using server = await startServer(SMALL_MODELS, {
      under: ["strace", "-f", "-qq", "-o", trace],
      supervised: true,
    });
    await predict(server, await plain(255, 0, 0));
    // strace would be what a signal to the process that was started reaches.
    process.kill(childrenOf(server.pid)[0]!, "SIGTERM");
    expect(await server.exited).toBe(0);
    const made = new Set(
      [...(await Bun.file(trace).text()).matchAll(/^\d+ +(\w+)\(/gm)].map((found) => found[1]!),
    );
    expect(made.size).toBeGreaterThan(30);
    const allowed = await allowedCalls(values("SystemCallFilter"));
    // SQLite gives its files to the owner of the database where it runs as root, as this test does.
    allowed.add("fchown");
    expect([...made].filter((call) => !allowed.has(call))).toEqual([]);
  }, 90_000);
});

describe("the server under systemd", () => {
  test("says when it is ready, that it lives, and that it stops", async () => {
    await using systemd = await receiver(join(scratch, "notify"));
    await using server = await startServer({ ...SMALL_MODELS, ...systemd.env(1000) }, { supervised: true });
    await systemd.heard((message) => message.READY === "1");
    expect(systemd.messages[0]).toMatchObject({ READY: "1", STATUS: expect.stringContaining("rgb-float32") });
    await systemd.heard((message) => message.WATCHDOG === "1", 2);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(0);
    await systemd.heard((message) => message.STOPPING === "1");
  });

  test("goes on giving signs of life while a server process that died is started again", async () => {
    await using systemd = await receiver(join(scratch, "notify-restart"));
    const settings = { ...SMALL_MODELS, ...systemd.env(100) };
    await using server = await startServer(settings, { supervised: true });
    await systemd.heard((message) => message.WATCHDOG === "1");
    process.kill(childrenOf(server.pid).at(0)!, "SIGKILL");
    const before = systemd.messages.length;
    await systemd.heard((message, index) => index >= before + 3 && message.WATCHDOG === "1");
    // Ready is said once: the service was, all the time, under this process.
    expect(systemd.messages.filter((message) => message.READY)).toHaveLength(1);
  });

  test("serves where nobody can be told, and logs it once", async () => {
    const socket = join(scratch, "nobody-listens");
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "100000" };
    await using server = await startServer({ ...SMALL_MODELS, ...env }, { supervised: true });
    expect(await predict(server, await plain(0, 255, 0))).toBe(200);
    await server.said("systemd could not be told");
    // Several more times it tries to tell.
    await Bun.sleep(500);
    expect((await server.log()).match(/systemd could not be told/g)).toHaveLength(1);
  });
});

async function predict(server: RunningServer, body: Uint8Array<ArrayBuffer>): Promise<number> {
  const headers = { "Content-Type": "image/png", Authorization: `Bearer ${OPERATOR_TOKEN}` };
  return (await fetch(`${server.url}/api/v1/predict`, { method: "POST", body, headers })).status;
}

/** System calls by name that SystemCallFilter= lines leave allowed; the first one allows, those with ~ take away. */
async function allowedCalls(lines: string[]): Promise<Set<string>> {
  const allowed = await groups(["@default"]);
  for (const line of lines) {
    const named = await groups(line.replace(/^~/, "").split(" "));
    for (const call of named) {
      if (line.startsWith("~")) allowed.delete(call);
      else allowed.add(call);
    }
  }
  return allowed;
}

async function groups(names: string[]): Promise<Set<string>> {
  const calls = new Set<string>();
  for (const name of names) {
    if (!name.startsWith("@")) {
      calls.add(name);
      continue;
    }
    const said = await output(["systemd-analyze", "syscall-filter", "--no-pager", name]);
    const inside = said
      .split("\n")
      .slice(1)
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    for (const call of await groups(inside)) calls.add(call);
  }
  return calls;
}

type Message = Record<string, string>;

/** A socket like systemd's, and what has come in. */
async function receiver(socket: string) {
  const messages: Message[] = [];
  const child = Bun.spawn([PYTHON, "test/system/notify_receiver.py", socket], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const listening = Promise.withResolvers<void>();
  const reading = (async () => {
    let rest = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const message = JSON.parse(line) as Message;
        if (message.listening) listening.resolve();
        // The barrier says nothing of the service.
        else if (!message.BARRIER) messages.push(message);
      }
    }
    listening.reject(new Error("the receiver ended"));
  })();
  await listening.promise;
  return {
    messages,
    env: (watchdogMs: number) => ({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(watchdogMs * 1000) }),
    async heard(isIt: (message: Message, index: number) => boolean, times = 1) {
      for (let tries = 0; tries < 1000; tries++) {
        if (messages.filter(isIt).length >= times) return;
        await Bun.sleep(20);
      }
      throw new Error(`not heard among ${JSON.stringify(messages)}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await reading.catch(() => undefined);
    },
  };
}
