import { type Answers, runClient, type Visit } from "./k6-client.ts";
import { SlowUploads } from "./slow-uploads.ts";

/** To the server, each address is a client of its own. */
const QUIET = "127.0.0.1";
const NOISY = "127.0.0.2";
const CLIENTS = 2;
/** The noisy client asks for so many times its share, which is the capacity by the number of clients. */
const TIMES_SHARE = 20;
/** What the quiet client asks of its share. */
const QUIET_OF_SHARE = 0.5;
const SLOW_UPLOADERS = 200;

const PHOTOGRAPH = new URL("../../test/fixtures/leaves/tomato_healthy.jpg", import.meta.url);

/** The quiet client alone, beside a flood, beside slow uploads. */
export const PHASES = ["alone", "flood", "slow"] as const;
export type Phase = (typeof PHASES)[number];

/** How long each phase is, and how often they take turns: so that whatever else the machine does falls on all. */
export interface Durations {
  capacityMs: number;
  phaseMs: number;
  rounds: number;
}

export const FULL: Durations = { capacityMs: 4000, phaseMs: 7500, rounds: 3 };
/** For the gate: what needs no time to be true. */
export const SHORT: Durations = { capacityMs: 2000, phaseMs: 4500, rounds: 1 };

/** At a phase's beginning its noise is still coming up; at its end what is under way goes into no other phase. */
const SKIP_MS = 1500;
const GAP_MS = 1000;

export interface Figures {
  /** Requests answered a second, with four connections. */
  capacityPerSecond: number;
  quietPerSecond: number;
  noisyPerSecond: number;
  quiet: Record<Phase, Answers>;
  /** What the flood was answered, and how often it asked a second. */
  flood: Answers;
  floodPerSecond: number;
  /** What the slow uploads were answered, by status. */
  slow: Record<string, number>;
}

/** Measures a server that does not limit clients and caches nothing. */
export async function measure(baseUrl: string, { capacityMs, phaseMs, rounds }: Durations): Promise<Figures> {
  const photograph = await Bun.file(PHOTOGRAPH).bytes();
  // Code that runs for the first time is slow.
  await capacity(baseUrl, photograph, capacityMs / 2);
  const capacityPerSecond = await capacity(baseUrl, photograph, capacityMs);
  const share = capacityPerSecond / CLIENTS;
  const quietPerSecond = QUIET_OF_SHARE * share;
  const noisyPerSecond = TIMES_SHARE * share;
  const order = Array.from({ length: rounds }, () => PHASES).flat();
  const visits: Visit[] = order.map((phase, at) => ({
    phase,
    startMs: at * (phaseMs + GAP_MS),
    durationMs: phaseMs,
    perSecond: quietPerSecond,
  }));
  const quiet = runClient({ baseUrl, address: QUIET, visits, skipMs: SKIP_MS });
  const floods: Answers[] = [];
  const slow = new Map<string, number>();
  const startedAt = performance.now();
  for (const [at, phase] of order.entries()) {
    await Bun.sleep(Math.max(0, visits[at]!.startMs - (performance.now() - startedAt)));
    if (phase === "flood") {
      const flood = { phase, startMs: 0, durationMs: phaseMs, perSecond: noisyPerSecond };
      const options = { baseUrl, address: NOISY, visits: [flood], skipMs: 0, nice: true };
      floods.push((await runClient(options)).flood!);
    } else if (phase === "slow") {
      const port = Number(new URL(baseUrl).port);
      using uploads = new SlowUploads({ port, address: NOISY, uploads: SLOW_UPLOADERS, body: photograph });
      await Bun.sleep(phaseMs);
      for (const [status, count] of uploads.answers) slow.set(status, (slow.get(status) ?? 0) + count);
    }
  }
  return {
    capacityPerSecond,
    quietPerSecond,
    noisyPerSecond,
    quiet: (await quiet) as Record<Phase, Answers>,
    flood: sum(floods),
    floodPerSecond: perSecond(sum(floods), (rounds * phaseMs) / 1000),
    slow: Object.fromEntries([...slow].sort()),
  };
}

/** Requests answered a second when four connections ask one after another. */
async function capacity(baseUrl: string, photograph: Uint8Array<ArrayBuffer>, ms: number): Promise<number> {
  let count = 0;
  const from = performance.now();
  const client = async () => {
    while (performance.now() - from < ms) {
      const headers = { "Content-Type": "image/jpeg" };
      const answer = await fetch(`${baseUrl}/api/v1/predict`, { method: "POST", body: photograph, headers });
      await answer.body?.cancel();
      if (answer.status !== 200) throw new Error(`the server answers ${answer.status}`);
      count++;
    }
  };
  await Promise.all(Array.from({ length: 4 }, client));
  return (count * 1000) / (performance.now() - from);
}

const perSecond = ({ served, refused, wrong }: Answers, seconds: number) =>
  (served + refused + wrong) / seconds;

function sum(all: readonly Answers[]): Answers {
  const total = (of: "served" | "refused" | "wrong") =>
    all.reduce((count, answers) => count + answers[of], 0);
  return { served: total("served"), refused: total("refused"), wrong: total("wrong"), latencyMs: null };
}
