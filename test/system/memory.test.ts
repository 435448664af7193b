import { expect, test } from "bun:test";
import { plain } from "./pictures.ts";
import { RawConnection } from "./raw-http.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

const MIB = 1024 * 1024;
const BODY_BYTES = 16 * MIB;
const UPLOADS = 12;
const SETTINGS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_WORKER_COUNT: "1",
  PINHOLE_RATE_LIMIT_ENABLED: "false",
  PINHOLE_IMAGE_MAX_BYTES: String(2 * BODY_BYTES),
  PINHOLE_HEALTH_INTERVAL_SECONDS: "1",
};

async function metrics(server: RunningServer): Promise<(name: string) => number> {
  const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
  const lines = new Map(
    text.split("\n").map((line) => line.split(" ").toSpliced(2) as [string, string | undefined]),
  );
  return (name) => Number(lines.get(name));
}

const metric = async (server: RunningServer, name: string) => (await metrics(server))(name);

async function becomes(look: () => Promise<unknown>, wanted: unknown): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  while ((await look()) !== wanted) {
    if (performance.now() > giveUpAt) throw new Error(`it never became ${wanted}`);
    await Bun.sleep(50);
  }
}

/** What the process holds once it is warm, and the most that it may. */
async function measured(): Promise<{ warmBytes: number; limitBytes: number }> {
  await using server = await startServer(SETTINGS);
  const value = await metrics(server);
  const stages = ["start", "loaded", "warm"].map((stage) =>
    value(`pinhole_resident_memory_stage_bytes{stage="${stage}"}`),
  );
  expect(stages.every((bytes) => bytes > 20 * MIB)).toBe(true);
  for (const stage of ["start", "loaded", "warm"]) await server.said(`"stage":"${stage}"`);
  return { warmBytes: stages[2]!, limitBytes: value("pinhole_memory_limit_bytes") };
}

/** Bodies that have come but for their last byte, each from a client of its own. */
class HeldBodies implements Disposable {
  readonly #connections: RawConnection[] = [];
  #clients = 0;

  async begin(server: RunningServer): Promise<RawConnection> {
    const connection = await RawConnection.open(server.port, `127.0.2.${++this.#clients}`);
    this.#connections.push(connection);
    connection.send(
      `POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`,
    );
    return connection;
  }

  fill(connection: RawConnection): void {
    connection.send(new Uint8Array(BODY_BYTES - 1).fill(255));
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.cut();
  }
}

async function predict(server: RunningServer): Promise<Response> {
  const headers = { "Content-Type": "image/png" };
  return fetch(`${server.url}/api/v1/predict`, { method: "POST", body: await plain(255, 0, 0), headers });
}

const shares = (limitBytes: number, softBytes: number, hardBytes: number) => ({
  PINHOLE_MEMORY_SOFT_SHARE: (softBytes / limitBytes).toFixed(6),
  PINHOLE_MEMORY_HARD_SHARE: (hardBytes / limitBytes).toFixed(6),
});

test("short of memory: new work is refused before its body is read, and taken again once there is memory", async () => {
  const { warmBytes, limitBytes } = await measured();
  const soft = warmBytes + 160 * MIB;
  await using server = await startServer({ ...SETTINGS, ...shares(limitBytes, soft, soft + 1024 * MIB) });
  expect((await predict(server)).status).toBe(200);
  expect(await metric(server, "pinhole_cache_entries")).toBe(1);
  using bodies = new HeldBodies();
  const shedding = () => metric(server, "pinhole_memory_shedding");
  while ((await shedding()) === 0) {
    bodies.fill(await bodies.begin(server));
    await Bun.sleep(300);
  }
  expect(await metric(server, "pinhole_cache_entries")).toBe(0);
  const refused = await predict(server);
  expect([refused.status, ((await refused.json()) as { error: string }).error]).toEqual([503, "OVERLOADED"]);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  // Not a byte of its body was sent.
  const early = await RawConnection.open(server.port, "127.0.3.1");
  early.send(
    "POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n",
  );
  expect((await early.answer())?.status).toBe(503);
  early.cut();
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  expect((await fetch(`${server.url}/api/v1/model_info`)).status).toBe(200);
  const shortAt = await metric(server, "pinhole_process_resident_memory_bytes");
  bodies[Symbol.dispose]();
  await becomes(shedding, 0);
  expect((await predict(server)).status).toBe(200);
  const after = await metric(server, "pinhole_process_resident_memory_bytes");
  console.log(`warm ${warmBytes / MIB} MiB, short at ${shortAt / MIB} MiB, afterwards ${after / MIB} MiB`);
  const short = (await server.said("new work is refused")).split("new work is refused").length - 1;
  const over = await server.said("no longer short", short);
  expect(over.split("no longer short").length - 1).toBe(short);
  expect(await server.stop()).toBe(0);
}, 120_000);

test("out of memory: what is being served is answered, then the process ends with 1", async () => {
  const { warmBytes, limitBytes } = await measured();
  const soft = warmBytes + 60 * MIB;
  await using server = await startServer({
    ...SETTINGS,
    ...shares(limitBytes, soft, soft + 60 * MIB),
  });
  using bodies = new HeldBodies();
  // At once: past the soft limit none would be begun.
  const uploads = await Promise.all(Array.from({ length: UPLOADS }, () => bodies.begin(server)));
  await becomes(() => metric(server, "pinhole_reading_requests"), UPLOADS);
  for (const upload of uploads) bodies.fill(upload);
  await becomes(async () => (await server.log()).includes("memory is exhausted"), true);
  for (const upload of uploads) upload.send(Uint8Array.of(255));
  const answers = await Promise.all(uploads.map((upload) => upload.answer()));
  // It was no photograph.
  expect(answers.map((answer) => answer?.status)).toEqual(Array(UPLOADS).fill(400));
  expect(await server.exited).toBe(1);
  const log = await server.log();
  expect(log).toContain('"stage":"drain"');
  expect(log).toContain('"answered":true');
}, 120_000);

test("limits below what the models take are told at the start", async () => {
  await expect(
    startServer({ ...SETTINGS, PINHOLE_MEMORY_SOFT_SHARE: "0.001", PINHOLE_MEMORY_HARD_SHARE: "0.001" }),
  ).rejects.toThrow("Give it more memory, set PINHOLE_WORKER_COUNT lower");
}, 60_000);
