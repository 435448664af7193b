import { expect, test } from "bun:test";
import { heldInTheEnd, median, NOTHING_HELD, residentBytes } from "./held.ts";
import { form, photographs } from "./photographs.ts";
import { plain } from "./pictures.ts";
import { Random } from "./random.ts";
import { RawConnection } from "./raw-http.ts";
import { behave, KINDS, rudeRequest } from "./rude-requests.ts";
import { startServer } from "./server.ts";

const SEED = 20_261_121;
const REQUESTS = 10_000;
const CLIENTS = 32;
const SAMPLE_EVERY = 250;
/** Before it caches and pools fill: memory grows and proves nothing. */
const WARM_UP = 2_000;

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

  expect(await heldInTheEnd(server)).toEqual(NOTHING_HELD);
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
