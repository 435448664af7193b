import { isDeepStrictEqual } from "node:util";
import { add, failed, type Outcome, passed } from "../run/outcome.ts";
import { heldInTheEnd, median, NOTHING_HELD, residentBytes } from "../system/held.ts";
import { Random } from "../system/random.ts";
import { type RunningServer, startServer } from "../system/server.ts";
import { arsenal, wholePhotograph } from "./arsenal.ts";
import { post } from "./post.ts";
import { SERVED, type Specimen } from "./specimen.ts";
import { Tally } from "./tally.ts";
import { Watch } from "./watch.ts";
import { play, wireAbuse } from "./wire-abuse.ts";

export interface HostileOptions {
  seed: number;
  /** Mixed bad requests after the groups. */
  requests: number;
}

const READ_TIMEOUT_MS = 2000;
const WIRE_PATIENCE_MS = 6000;
const LONGEST_DELAY_MS = 250;
const MOST_GROWTH = 1.05;
const CLIENTS = 8;
/** Whole bombs side by side: more would only wait for each other. */
const BOMBERS = 2;
/** Larger ones are posted once, in their group. */
const MIXED_MOST_BYTES = 64 * 1024;
const SAMPLE_EVERY = 50;
/** Mixed requests before those that count, for each of them: memory grows and proves nothing. */
const WARM_UP = 3;
const MIB = 1024 * 1024;

/** A server to maltreat: small models, no limits by client, nothing remembered, little patience. */
export function startTarget(): Promise<RunningServer> {
  return startServer({
    PINHOLE_MODELS_DIR: "test/fixtures/models",
    PINHOLE_MODEL_DEFAULT: "rgb-float32",
    PINHOLE_RATE_LIMIT_REQUESTS: "1000000",
    PINHOLE_READ_TIMEOUT_MS: String(READ_TIMEOUT_MS),
    // Each file's own answer is asked for, however slow the machine is.
    PINHOLE_QUEUE_WAIT_MS: "0",
    PINHOLE_READ_PER_CLIENT: "1024",
    PINHOLE_CACHE_ENABLED: "false",
    PINHOLE_LOG_LEVEL: "error",
  });
}

/** Posts everything there is to a server of its own, prints what came of it, and counts what was not right. */
export async function hostile({ seed, requests }: HostileOptions): Promise<Outcome> {
  const groups = await arsenal(seed);
  const leaf = await wholePhotograph();
  await using server = await startTarget();
  using watch = new Watch(server);
  const outcomes: Outcome[] = [];
  for (const { name, specimens } of groups) {
    console.log(`\n${name}: ${specimens.length}`);
    const heavy = specimens.some(({ bytes }) => bytes.length > MIXED_MOST_BYTES);
    outcomes.push(await postAll(server, specimens, heavy ? BOMBERS : CLIENTS));
    console.log(await watch.line());
    outcomes.push(await still200(server, leaf, name));
  }
  outcomes.push(await abuseWire(server, leaf));
  console.log(await watch.line());
  outcomes.push(await still200(server, leaf, "the wire"));

  outcomes.push(
    await mixed(server, groups.flatMap(({ specimens }) => specimens).filter(isMixed), requests, seed),
  );
  outcomes.push(...(await inTheEnd(server, watch, leaf)));
  return add(...outcomes);
}

/** What is small and is, or may be, refused: large pictures that are served make memory rise and fall. */
function isMixed({ bytes, expected }: Specimen): boolean {
  return bytes.length <= MIXED_MOST_BYTES && expected.some((outcome) => outcome !== SERVED);
}

/** Each once, a few at a time; one test each. */
async function postAll(
  server: RunningServer,
  specimens: readonly Specimen[],
  together: number,
): Promise<Outcome> {
  const tally = new Tally();
  const outcomes: Outcome[] = [];
  const rest = specimens.values();
  const client = async () => {
    for (const specimen of rest) {
      const { outcome, ms } = await post(server, specimen);
      tally.add(outcome, specimen.name, ms);
      outcomes.push(judgeOutcome(specimen.name, outcome, specimen.expected));
    }
  };
  await Promise.all(Array.from({ length: together }, client));
  for (const line of tally.lines()) console.log(line);
  return add(...outcomes);
}

async function abuseWire(server: RunningServer, leaf: Uint8Array): Promise<Outcome> {
  const abuses = wireAbuse(leaf, READ_TIMEOUT_MS);
  console.log(`\nthe wire: ${abuses.reduce((sum, { together }) => sum + together, 0)}`);
  const tally = new Tally();
  const all = abuses.flatMap((abuse) =>
    Array.from({ length: abuse.together }, async () => {
      const from = performance.now();
      const outcome = await play(abuse, server.port, WIRE_PATIENCE_MS);
      tally.add(outcome, abuse.name, performance.now() - from);
      return judgeOutcome(abuse.name, outcome, abuse.expected);
    }),
  );
  const outcomes = await Promise.all(all);
  for (const line of tally.lines()) console.log(line);
  return add(...outcomes);
}

/** All that is small, at random, again and again: what counts is that nothing grows. */
async function mixed(
  server: RunningServer,
  specimens: readonly Specimen[],
  requests: number,
  seed: number,
): Promise<Outcome> {
  console.log(`\nmixed, of ${specimens.length}: ${requests}, and as many before them`);
  const random = new Random(seed);
  const tally = new Tally();
  const wrong = new Set<string>();
  const resident: number[] = [];
  const warmUp = Math.round(requests * WARM_UP);
  let sent = 0;
  const client = async () => {
    while (sent < warmUp + requests) {
      const at = ++sent;
      const specimen = random.pick(specimens);
      const { outcome, ms } = await post(server, specimen);
      tally.add(outcome, specimen.name, ms);
      if (!specimen.expected.includes(outcome)) wrong.add(`${specimen.name}: ${outcome}`);
      if (at % SAMPLE_EVERY === 0 && at > warmUp) resident.push(residentBytes(server.pid));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  for (const line of tally.lines()) console.log(line);
  const half = Math.floor(resident.length / 2);
  const [first, second] = [median(resident.slice(0, half)), median(resident.slice(half))];
  const growth = `${(first / MIB).toFixed(1)} MiB, then ${(second / MIB).toFixed(1)} MiB`;
  console.log(`  resident in the first and in the second half: ${growth}`);
  return add(
    wrong.size === 0 ? passed() : failed(`mixed: ${[...wrong].slice(0, 5).join("; ")}`),
    second < first * MOST_GROWTH ? passed() : failed(`resident memory grew: ${growth}`),
  );
}

export async function inTheEnd(server: RunningServer, watch: Watch, leaf: Uint8Array<ArrayBuffer>) {
  const holds = await heldInTheEnd(server);
  await watch.look();
  const delay = watch.delays();
  const unforeseen = (await server.log()).split("\n").filter((line) => line.includes("INTERNAL_ERROR"));
  console.log(`\nIn the end: ${delay}; held: ${JSON.stringify(Object.values(holds))}`);
  return [
    watch.delayMs - watch.coreWaitMs <= LONGEST_DELAY_MS ? passed() : failed(delay),
    isDeepStrictEqual(holds, NOTHING_HELD) ? passed() : failed(`still held: ${JSON.stringify(holds)}`),
    unforeseen.length === 0 ? passed() : failed(`logged: ${unforeseen[0]}`),
    await still200(server, leaf, "everything"),
  ];
}

async function still200(server: RunningServer, leaf: Uint8Array<ArrayBuffer>, after: string) {
  const { outcome } = await post(server, { bytes: leaf, contentType: "image/jpeg" });
  return outcome === SERVED ? passed() : failed(`a good photograph after ${after}: ${outcome}`);
}

function judgeOutcome(name: string, outcome: string, expected: readonly string[]): Outcome {
  if (expected.includes(outcome)) return passed();
  return failed(`${name}: ${outcome} instead of ${expected.join(" or ")}`);
}
