/**
 * A part of a run has figures of its own: what is sent from this share (0..1) of it on, or, without one, what
 * clients of that behaviour send.
 */
export type Part = readonly [from: number | null, name: string];

/** Points of the offered load: at this share of the run (0..1) this share of the capacity; straight between. */
export type Profile = readonly (readonly [at: number, share: number])[];

export interface Scenario {
  /** One line: what a run of it answers. */
  question: string;
  /** How long it runs, and how long with `--quick`. */
  seconds: number;
  quickSeconds: number;
  /** Requests offered, whether or not the server keeps up (an open model); null: clients wait for each answer. */
  profile: Profile | null;
  /** Most clients at once; those that are busy cannot ask, which is counted as a dropped iteration. */
  users: number;
  /** Whether 429 and 503 belong to it. Where not, each is an error. */
  refusalsExpected: boolean;
  /** Whether the limits of latency are meant for it: it stays within 70% of the capacity. */
  latencyMatters: boolean;
  parts: readonly Part[];
  /** Settings of the server that the runner starts for it, beside those of every scenario. */
  settings: Readonly<Record<string, string>>;
}

/** A balancer's probes of `/health/live`, a few a second beside all else: a server that is full is still alive. */
export const PROBES = [null, "probes"] as const satisfies Part;

const UNCACHED = { PINHOLE_CACHE_ENABLED: "false" };

/** Two half sines of this height over a ground of `low`. */
function waves(low: number, high: number, count: number): Profile {
  const steps = 24 * count;
  return Array.from({ length: steps + 1 }, (_, i) => {
    const height = Math.sin((Math.PI * (i % 24)) / 24);
    return [i / steps, low + (high - low) * height] as const;
  });
}

function steps(shares: readonly number[]): Profile {
  return shares.flatMap((share, i) => [
    [i / shares.length, share] as const,
    [(i + 1) / shares.length, share] as const,
  ]);
}

const STEPS = [0.2, 0.4, 0.6, 0.8, 0.95];

const OFFERED = {
  users: 200,
  refusalsExpected: false,
  latencyMatters: false,
  parts: [],
  settings: UNCACHED,
} as const;

/** Every k6 scenario of `loadtest/scenarios/`, by the name of its file. */
export const SCENARIOS = {
  smoke: {
    ...OFFERED,
    question: "Is every answer right? A few dozen requests, each held to the contract.",
    seconds: 10,
    quickSeconds: 10,
    profile: null,
    users: 2,
    settings: { PINHOLE_RATE_LIMIT_ENABLED: "true", PINHOLE_RATE_LIMIT_REQUESTS: "1000" },
  },
  steady: {
    ...OFFERED,
    question: "How long do 200 clients wait at 70% of what the server can do?",
    seconds: 120,
    quickSeconds: 12,
    profile: [
      [0, 0.7],
      [1, 0.7],
    ],
    latencyMatters: true,
  },
  step: {
    ...OFFERED,
    question: "How does the wait grow with the load, from 20% to 95% in five steps?",
    seconds: 150,
    quickSeconds: 15,
    profile: steps(STEPS),
    parts: STEPS.map((share, i) => [i / STEPS.length, `at_${Math.round(share * 100)}_percent`] as const),
  },
  spike: {
    ...OFFERED,
    question: "Does three times the capacity, all of a sudden, leave the server as it was before?",
    seconds: 120,
    quickSeconds: 12,
    profile: [
      [0, 0.3],
      [0.35, 0.3],
      [0.35, 3],
      [0.5, 3],
      [0.5, 0.3],
      [1, 0.3],
    ],
    users: 300,
    refusalsExpected: true,
    parts: [[0, "before"], [0.35, "spike"], [0.5, "recovery"], [0.65, "after"], PROBES],
  },
  "double-wave": {
    ...OFFERED,
    question: "Two waves up to 90%: does the second one find the server as the first did?",
    seconds: 240,
    quickSeconds: 16,
    profile: waves(0.1, 0.9, 2),
    parts: [
      [0, "first_wave"],
      [0.5, "second_wave"],
    ],
  },
  soak: {
    ...OFFERED,
    question: "Twenty minutes at half the capacity: does memory stay where it is?",
    seconds: 1200,
    quickSeconds: 20,
    profile: [
      [0, 0.5],
      [1, 0.5],
    ],
    latencyMatters: true,
    parts: [
      [0, "first_half"],
      [0.5, "second_half"],
    ],
  },
  breakpoint: {
    ...OFFERED,
    question:
      "Up to twice the capacity: at which rate does it stop answering everybody, and does it stay well?",
    seconds: 180,
    quickSeconds: 18,
    profile: [
      [0, 0.2],
      [1, 2],
    ],
    users: 400,
    refusalsExpected: true,
    parts: [PROBES],
  },
  cache: {
    ...OFFERED,
    question: "Photographs that come again and again, one new among six: how many does the cache answer?",
    seconds: 60,
    quickSeconds: 10,
    profile: [
      [0, 0.7],
      [1, 0.7],
    ],
    latencyMatters: true,
    settings: {},
  },
  mixed: {
    ...OFFERED,
    question: "Browsers of models and history, uploaders of one and of eight photographs, pollers of health.",
    seconds: 120,
    quickSeconds: 12,
    profile: [
      [0, 0.5],
      [1, 0.5],
    ],
    latencyMatters: true,
    parts: [
      [null, "uploaders_of_one"],
      [null, "uploaders_of_eight"],
      [null, "browsers"],
      [null, "pollers"],
    ],
    settings: {},
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;

export function isScenario(name: string): name is ScenarioName {
  return Object.hasOwn(SCENARIOS, name);
}

/** The offered load at this share of the run, as a share of the capacity. */
export function offeredAt(profile: Profile, at: number): number {
  const next = profile.findIndex(([from]) => from > at);
  if (next <= 0) return profile.at(next < 0 ? -1 : 0)![1];
  const [[fromAt, from], [toAt, to]] = [profile[next - 1]!, profile[next]!];
  return from + ((to - from) * (at - fromAt)) / (toAt - fromAt);
}

/** Mean of the offered load over the run, as a share of the capacity. */
export function meanOffered(profile: Profile): number {
  return profile.slice(1).reduce((sum, [at, share], i) => {
    const [fromAt, from] = profile[i]!;
    return sum + (at - fromAt) * ((from + share) / 2);
  }, 0);
}
