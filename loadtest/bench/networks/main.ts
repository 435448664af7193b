import { NETWORK_NAMES, type NetworkName } from "./catalogue.ts";
import { networkRepository } from "./repository.ts";

/** `bun loadtest/bench/networks/main.ts [network ...]`: builds them and says where, for `PINHOLE_MODELS_DIR`. */

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 built, 2 not understood */
export async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !NETWORK_NAMES.includes(name as NetworkName));
  if (unknown.length > 0) {
    console.error(`There is no ${unknown.join(", ")}: ${NETWORK_NAMES.join(", ")}.`);
    return 2;
  }
  for (const name of names.length > 0 ? (names as NetworkName[]) : NETWORK_NAMES) {
    console.log(`${name.padEnd(18)}  ${await networkRepository(name)}`);
  }
  return 0;
}
