import { parseArgs } from "node:util";
import { PEERS, type Peer, PINHOLE } from "./peers.ts";

export const NETWORKS = ["mobilenet_v3_small", "resnet50"] as const;
export type Network = (typeof NETWORKS)[number];

export interface Options {
  networks: readonly Network[];
  /** Pinhole first where it is among them. */
  peers: readonly Peer[];
  /** Whether each peer is measured in every setting, beside itself, instead of in its best one beside the others. */
  allSettings: boolean;
  rounds: number;
  /** Of one measurement. */
  seconds: number;
  connections: number;
  /** File for the figures as JSON. */
  json: string | null;
  updateReadme: boolean;
}

const ALL = [PINHOLE, ...PEERS];

export const USAGE = `usage: bun run bench:peers [options]

  --quick            mobilenet_v3_small, 2 rounds of 2 s
  --network NAME     only this one: ${NETWORKS.join(", ")}; may be repeated
  --only NAMES       only these, commas between them: ${ALL.map(({ name }) => name).join(", ")}
  --settings         each peer in every setting that was tried, to see which is its best
  --rounds N         default 5, with --settings 3
  --seconds S        of one measurement; default 6, with --settings 3
  --connections N    default 16
  --json FILE        write all figures there
  --update-readme    put the tables into README.md; those of --settings into the one beside this program`;

/** @throws Error that says what was not understood */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      network: { type: "string", multiple: true },
      only: { type: "string" },
      settings: { type: "boolean", default: false },
      rounds: { type: "string" },
      seconds: { type: "string" },
      connections: { type: "string" },
      json: { type: "string" },
      "update-readme": { type: "boolean", default: false },
    },
  });
  const { quick } = values;
  const isNarrow = quick || values.network || values.connections || (values.only && !values.settings);
  if (values["update-readme"] && isNarrow) {
    throw new Error("--update-readme wants the whole table: leave the options that narrow it out");
  }
  const [rounds, seconds] = quick ? [2, 2] : values.settings ? [3, 3] : [5, 6];
  const names = values.only?.split(",");
  for (const name of names ?? [])
    oneOf(
      "--only",
      ALL.map((peer) => peer.name),
      name,
    );
  const networks = values.network?.map((name) => oneOf("--network", NETWORKS, name));
  return {
    networks: networks ?? (quick || values.settings ? ["mobilenet_v3_small"] : NETWORKS),
    // Pinhole has one setting.
    peers: (values.settings ? PEERS : ALL).filter(({ name }) => names?.includes(name) ?? true),
    allSettings: values.settings,
    rounds: number("--rounds", values.rounds, rounds, 1, 1000),
    seconds: number("--seconds", values.seconds, seconds, 0.1, 600),
    connections: number("--connections", values.connections, 16, 1, 1024),
    json: values.json ?? null,
    updateReadme: values["update-readme"],
  };
}

function oneOf<const T extends string>(option: string, known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found === undefined) throw new Error(`${option} ${text}: it can be ${known.join(", ")}`);
  return found;
}

/** Whole where the least is. */
function number(
  option: string,
  text: string | undefined,
  otherwise: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  const isFit = value >= least && value <= most && (!Number.isInteger(least) || Number.isInteger(value));
  if (!isFit) throw new Error(`${option} ${text}: it can be ${least} to ${most}`);
  return value;
}
