/**
 * The same numbers on every machine, 0..2^32 - 1, by mulberry32: https://github.com/cprosche/mulberry32.
 * Whole-number arithmetic only, so no engine's rounding shows.
 */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  };
}
