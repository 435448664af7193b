const DAY_MS = 86_400_000;
/** 2^14 registers of a byte: 16 KiB a day, a standard error of 1.04 / sqrt(2^14) = 0.8%. */
const INDEX_BITS = 14;
const REGISTERS = 1 << INDEX_BITS;
/** A register holds 0 (empty) up to this: one more than the bits that say how rare a hash is. */
const RANKS = 33;

/**
 * How many different clients there were today and yesterday, by UTC days, in 32 KiB however many there are:
 * HyperLogLog (Flajolet et al. 2007, https://algo.inria.fr/flajolet/Publications/FlFuGaMe07.pdf) with the
 * unbiased estimate of Ertl 2017 (https://arxiv.org/abs/1702.01284). A handful is counted exactly, a million
 * within 2%.
 */
export class ActiveClients {
  #day = Number.NEGATIVE_INFINITY;
  #today = new Sketch();
  #yesterday = new Sketch();

  /**
   * @param clientHash hexadecimal, at least 14 characters that are as good as random (`ClientHash`)
   * @param at wall-clock time, ms since the epoch; what is older than yesterday counts for no day
   */
  add(clientHash: string, at: number): void {
    const day = Math.floor(at / DAY_MS);
    if (day > this.#day) this.#turnTo(day);
    if (day === this.#day) this.#today.add(clientHash);
    else if (day === this.#day - 1) this.#yesterday.add(clientHash);
  }

  /** @param at wall-clock time now, ms since the epoch */
  count(at: number): { today: number; yesterday: number } {
    const day = Math.floor(at / DAY_MS);
    if (day > this.#day) this.#turnTo(day);
    return { today: this.#today.count(), yesterday: this.#yesterday.count() };
  }

  #turnTo(day: number): void {
    this.#yesterday = day === this.#day + 1 ? this.#today : new Sketch();
    this.#today = new Sketch();
    this.#day = day;
  }
}

class Sketch {
  readonly #ranks = new Uint8Array(REGISTERS);

  add(hash: string): void {
    // 24 bits choose the register (14 of them), the next 32 say how rare the hash is.
    const index = Number.parseInt(hash.slice(0, 6), 16) >>> (24 - INDEX_BITS);
    const rank = Math.clz32(Number.parseInt(hash.slice(6, 14), 16)) + 1;
    if (rank > this.#ranks[index]!) this.#ranks[index] = rank;
  }

  count(): number {
    const having = new Uint32Array(RANKS + 1);
    for (const rank of this.#ranks) having[rank]!++;
    let sum = REGISTERS * tau(1 - having[RANKS]! / REGISTERS);
    for (let rank = RANKS - 1; rank >= 1; rank--) sum = (sum + having[rank]!) / 2;
    sum += REGISTERS * sigma(having[0]! / REGISTERS);
    return Math.round(REGISTERS ** 2 / (2 * Math.LN2 * sum));
  }
}

/** Corrects for registers that are still empty; 0..1, infinite at 1. */
function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let [power, factor, sum, before] = [share, 1, share, Number.NaN];
  while (sum !== before) {
    power *= power;
    before = sum;
    sum += power * factor;
    factor *= 2;
  }
  return sum;
}

/** Corrects for registers that are full; 0..1. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let [root, factor, sum, before] = [share, 1, 1 - share, Number.NaN];
  while (sum !== before) {
    root = Math.sqrt(root);
    factor /= 2;
    before = sum;
    sum -= (1 - root) ** 2 * factor;
  }
  return sum / 3;
}
