import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { form, photographs } from "./photographs.ts";
import { plain } from "./pictures.ts";
import { Random } from "./random.ts";
import { RawConnection } from "./raw-http.ts";
import { behave, KINDS, rudeRequest } from "./rude-requests.ts";
import { asOperator, type RunningServer, startServer } from "./server.ts";

const SEED = 20_261_121;
const REQUESTS = 10_000;
const CLIENTS = 32;
const SAMPLE_EVERY = 250;
/** Before it caches and pools fill: memory grows and proves nothing. */
const WARM_UP = 2_000;

/** Resident memory of a process in bytes. */
function residentBytes(pid: number): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1]) * 1024;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Permits, images in flight and everything that waits: each must be there, and come back to zero. */
const HELD = [
  "pinhole_admitted_requests",
  "pinhole_held_bytes",
  "pinhole_queue_waiting_requests",
  "pinhole_in_flight_images",
  "pinhole_batcher_waiting_rows",
];

async function held(server: RunningServer): Promise<Record<string, number>> {
  const text = await (await fetch(`${server.url}/metrics`, asOperator)).text();
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  return Object.fromEntries(HELD.map((name) => [name, value(name)]));
}

test("ten thousand rude requests leave a server that answers, holds nothing and has not grown", async () => {
  await using server = await startServer({
    PINHOLE_MODELS_DIR: "test/fixtures/models",
    PINHOLE_MODEL_DEFAULT: "rgb-float32",
    PINHOLE_RATE_LIMIT_REQUESTS: "1000000",
    PINHOLE_RATE_LIMIT_READ_REQUESTS: "1000000",
    PINHOLE_READ_TIMEOUT_MS: "2000",
    PINHOLE_CACHE_MAX_BYTES: "65536",
    PINHOLE_LOG_LEVEL: "error",
  });
  const leaves = await photographs();
  const images = [...leaves.map(({ bytes }) => bytes), await plain(0, 255, 0), await plain(255, 255, 255)];
  const kinds = new Set<string>();
  const statuses = new Map<number | null, number>();
  const samples: { at: number; bytes: number }[] = [];
  let sent = 0;

  const client = async (number: number) => {
    const random = new Random(SEED + number);
    while (sent < REQUESTS) {
      const at = ++sent;
      const request = rudeRequest(random, { images });
      const status = await behave(await RawConnection.open(server.port), request, random);
      kinds.add(request.kind);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (at % SAMPLE_EVERY === 0) samples.push({ at, bytes: residentBytes(server.pid) });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
  console.log("answers by status:", Object.fromEntries([...statuses].sort()));

  expect(kinds).toEqual(new Set(KINDS));
  const ours = [...statuses.keys()].filter((status) => status === 500 || status === 502);
  expect(ours).toEqual([]);

  const good = await fetch(`${server.url}/api/v1/predict`, { method: "POST", body: form([leaves[0]!]) });
  expect(good.status).toBe(200);
  expect(await good.json()).not.toHaveProperty("fallback");

  // The last of those who left may still be on their way out.
  const nothing = Object.fromEntries(HELD.map((name) => [name, 0]));
  const isEmpty = async () => Object.values(await held(server)).every((value) => value === 0);
  for (let tries = 0; tries < 50 && !(await isEmpty()); tries++) await Bun.sleep(100);
  expect(await held(server)).toEqual(nothing);
  const errors = (await server.log()).split("\n").filter((line) => line.includes("INTERNAL_ERROR"));
  expect(errors.slice(0, 3)).toEqual([]);

  const warm = samples.filter(({ at }) => at > WARM_UP).sort((a, b) => a.at - b.at);
  const [first, second] = [warm.slice(0, warm.length / 2), warm.slice(warm.length / 2)];
  const [before, after] = [first, second].map((half) => median(half.map(({ bytes }) => bytes))) as [
    number,
    number,
  ];
  console.log(
    `resident: first half ${(before / 2 ** 20).toFixed(0)} MiB, second half ${(after / 2 ** 20).toFixed(0)} MiB`,
  );
  expect(after).toBeLessThan(before * 1.05);
}, 300_000);
