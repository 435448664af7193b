import { expect, test } from "bun:test";
import { photographs } from "./photographs.ts";
import { plain } from "./pictures.ts";
import { type RawAnswer, RawConnection } from "./raw-http.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

const UPLOADERS = 200;
const PIECES = 12;
const PIECE_EVERY_MS = 400;
/** People do not begin at the same instant; the last begins long before the first is through. */
const BEGIN_EVERY_MS = 15;
const SETTINGS = {
  PINHOLE_MODELS_DIR: "test/fixtures/models",
  PINHOLE_MODEL_DEFAULT: "rgb-float32",
  PINHOLE_RATE_LIMIT_REQUESTS: "1000000",
  PINHOLE_CACHE_ENABLED: "false",
  // As many requests as are served at once: uploads must not count among them.
  PINHOLE_QUEUE_CAPACITY: "64",
};

/** Sends a photograph as a phone with a bad connection does. */
async function trickle(server: RunningServer, from: string, body: Uint8Array): Promise<RawAnswer | null> {
  const connection = await RawConnection.open(server.port, from);
  const answer = connection.answer(60_000);
  connection.send(
    `POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  const step = Math.ceil(body.length / PIECES);
  let isAnswered = false;
  void answer.then(() => {
    isAnswered = true;
  });
  for (let at = 0; at < body.length && !isAnswered; at += step) {
    connection.send(body.subarray(at, at + step));
    await Bun.sleep(PIECE_EVERY_MS);
  }
  const answered = await answer;
  connection.cut();
  return answered;
}

/** Statuses of a client that asks one after another for as long as the uploads take. */
async function workBeside(server: RunningServer, uploads: Promise<unknown>): Promise<number[]> {
  const red = await plain(255, 0, 0);
  const statuses: number[] = [];
  let over = false;
  void uploads.then(() => {
    over = true;
  });
  while (!over) {
    const headers = { "Content-Type": "image/png" };
    const answer = await fetch(`${server.url}/api/v1/predict`, { method: "POST", body: red, headers });
    statuses.push(answer.status);
    await answer.body?.cancel();
    await Bun.sleep(10);
  }
  return statuses;
}

async function reading(server: RunningServer): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
  return Number(/^pinhole_reading_requests (\d+)$/m.exec(text)?.[1]);
}

test("200 slow phones of many people: none fails, and none holds up a client beside them", async () => {
  await using server = await startServer(SETTINGS);
  const leaf = (await photographs())[0]!.bytes;
  const uploads = Promise.all(
    Array.from({ length: UPLOADERS }, async (_, number) => {
      await Bun.sleep(number * BEGIN_EVERY_MS);
      return trickle(server, `127.0.1.${1 + (number % 20)}`, leaf);
    }),
  );
  const working = workBeside(server, uploads);
  let most = 0;
  while (most < UPLOADERS) {
    most = Math.max(most, await reading(server));
    await Bun.sleep(20);
  }
  const answers = await uploads;
  const statuses = await working;
  expect(answers.map((answer) => answer?.status)).toEqual(Array(UPLOADERS).fill(200));
  expect(statuses.length).toBeGreaterThan(10);
  expect([...new Set(statuses)]).toEqual([200]);
  expect(await reading(server)).toBe(0);
}, 120_000);

test("200 slow uploads of one client: some are read, the rest are told to wait, and another client is served", async () => {
  await using server = await startServer({ ...SETTINGS, PINHOLE_READ_PER_CLIENT: "16" });
  const leaf = (await photographs())[0]!.bytes;
  const uploads = Promise.all(Array.from({ length: UPLOADERS }, () => trickle(server, "127.0.1.1", leaf)));
  const statuses = await workBeside(server, uploads);
  const answers = await uploads;
  const refused = answers.filter((answer) => answer?.status === 503);
  expect(answers.filter((answer) => answer?.status === 200).length).toBe(16);
  expect(refused.length).toBe(UPLOADERS - 16);
  for (const answer of refused) expect(Number(answer!.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect([...new Set(statuses)]).toEqual([200]);
  expect(await reading(server)).toBe(0);
}, 120_000);
