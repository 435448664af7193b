// The loops of resample.ts and preprocess.ts in WebAssembly SIMD, result for result the same. AssemblyScript:
// https://www.assemblyscript.org. `bun run kernel:build` compiles it to resample.wasm.
//
// A weight has 22 bits behind its point, too many for the 16-bit multiply-and-add that makes this fast. So each
// is split, weight = high * 2^15 + low, with 0 <= low < 2^15: two sums of products are added up and put together
// at the end. Nothing is rounded on the way, and 32-bit sums wrap around alike.
//
// Taps go in pairs, the last one filled up with weight 0. A record of taps in memory, all i32:
//   source pixel or row, then for each pair: low weights of both, high weights of both (two i16 each)

const WEIGHT_BITS: i32 = 22;
const LOW_BITS: i32 = 15;
const HALF: i32 = 1 << (WEIGHT_BITS - 1);

/** i32x4 sums of one channel group, rounded and without the bits behind the point. */
function rounded(low: v128, high: v128): v128 {
  return i32x4.shr_s(i32x4.add(i32x4.add(low, i32x4.shl(high, LOW_BITS)), i32x4.splat(HALF)), WEIGHT_BITS);
}

/** Two neighbouring pixels of `pixels`, channel by channel, as 16-bit numbers. */
function firstPair(pixels: v128): v128 {
  return i8x16.shuffle(pixels, i32x4.splat(0), 0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 16, 16, 16, 16);
}

function secondPair(pixels: v128): v128 {
  return i8x16.shuffle(pixels, i32x4.splat(0), 6, 16, 9, 16, 7, 16, 10, 16, 8, 16, 11, 16, 16, 16, 16, 16);
}

/** sum + a.a' + b.b' */
function added(sum: v128, a: v128, weightsA: v128, b: v128, weightsB: v128): v128 {
  return i32x4.add(sum, i32x4.add(i32x4.dot_i16x8_s(a, weightsA), i32x4.dot_i16x8_s(b, weightsB)));
}

/**
 * u8 RGB rows, `pitch` bytes apart, to rows of `width` pixels, `targetPitch` bytes apart, four rows at a time: where
 * `rows` is no multiple of four, up to three more are read and written. `pairs` is even. Reads up to 16 bytes past
 * a row's last tap and writes one byte past its last pixel.
 */
export function resampleWidth(
  source: usize,
  pitch: usize,
  rows: i32,
  taps: usize,
  pairs: i32,
  width: i32,
  target: usize,
  targetPitch: usize,
): void {
  for (let y = 0; y < rows; y += 4) {
    let record = taps;
    let to = target;
    for (let x = 0; x < width; x++) {
      let at0 = source + <usize>load<i32>(record) * 3;
      let at1 = at0 + pitch;
      let at2 = at1 + pitch;
      let at3 = at2 + pitch;
      record += 4;
      let low0 = i32x4.splat(0),
        low1 = low0,
        low2 = low0,
        low3 = low0;
      let high0 = low0,
        high1 = low0,
        high2 = low0,
        high3 = low0;
      for (let pair = 0; pair < pairs; pair += 2) {
        const lowA = v128.load32_splat(record),
          highA = v128.load32_splat(record, 4);
        const lowB = v128.load32_splat(record, 8),
          highB = v128.load32_splat(record, 12);
        record += 16;
        let pixels = v128.load(at0);
        let a = firstPair(pixels),
          b = secondPair(pixels);
        low0 = added(low0, a, lowA, b, lowB);
        high0 = added(high0, a, highA, b, highB);
        pixels = v128.load(at1);
        a = firstPair(pixels);
        b = secondPair(pixels);
        low1 = added(low1, a, lowA, b, lowB);
        high1 = added(high1, a, highA, b, highB);
        pixels = v128.load(at2);
        a = firstPair(pixels);
        b = secondPair(pixels);
        low2 = added(low2, a, lowA, b, lowB);
        high2 = added(high2, a, highA, b, highB);
        pixels = v128.load(at3);
        a = firstPair(pixels);
        b = secondPair(pixels);
        low3 = added(low3, a, lowA, b, lowB);
        high3 = added(high3, a, highA, b, highB);
        at0 += 12;
        at1 += 12;
        at2 += 12;
        at3 += 12;
      }
      const upper = i16x8.narrow_i32x4_s(rounded(low0, high0), rounded(low1, high1));
      const lower = i16x8.narrow_i32x4_s(rounded(low2, high2), rounded(low3, high3));
      const levels = i8x16.narrow_i16x8_u(upper, lower);
      // The fourth byte of each is its next pixel's first.
      v128.store32_lane(to, levels, 0);
      v128.store32_lane(to + targetPitch, levels, 1);
      v128.store32_lane(to + targetPitch * 2, levels, 2);
      v128.store32_lane(to + targetPitch * 3, levels, 3);
      to += 3;
    }
    source += pitch << 2;
    target += targetPitch << 2;
  }
}

/**
 * Rows of `length` bytes, `pitch` bytes apart, to `height` such rows `targetPitch` bytes apart, which is at
 * least `length` rounded up to 16. Reads up to 16 bytes and one row past the end.
 */
export function resampleHeight(
  source: usize,
  pitch: usize,
  length: usize,
  taps: usize,
  pairs: i32,
  height: i32,
  target: usize,
  targetPitch: usize,
): void {
  for (let y = 0; y < height; y++) {
    const base = source + <usize>load<i32>(taps) * pitch;
    taps += 4;
    for (let x: usize = 0; x < length; x += 16) {
      let low0 = i32x4.splat(0),
        low1 = low0,
        low2 = low0,
        low3 = low0;
      let high0 = low0,
        high1 = low0,
        high2 = low0,
        high3 = low0;
      let at = base + x;
      let record = taps;
      for (let pair = 0; pair < pairs; pair++) {
        const upper = v128.load(at);
        const lower = v128.load(at + pitch);
        const lows = v128.load32_splat(record);
        const highs = v128.load32_splat(record, 4);
        const left = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = i8x16.shuffle(
          upper,
          lower,
          8,
          24,
          9,
          25,
          10,
          26,
          11,
          27,
          12,
          28,
          13,
          29,
          14,
          30,
          15,
          31,
        );
        const a = i16x8.extend_low_i8x16_u(left);
        const b = i16x8.extend_high_i8x16_u(left);
        const c = i16x8.extend_low_i8x16_u(right);
        const d = i16x8.extend_high_i8x16_u(right);
        low0 = i32x4.add(low0, i32x4.dot_i16x8_s(a, lows));
        low1 = i32x4.add(low1, i32x4.dot_i16x8_s(b, lows));
        low2 = i32x4.add(low2, i32x4.dot_i16x8_s(c, lows));
        low3 = i32x4.add(low3, i32x4.dot_i16x8_s(d, lows));
        high0 = i32x4.add(high0, i32x4.dot_i16x8_s(a, highs));
        high1 = i32x4.add(high1, i32x4.dot_i16x8_s(b, highs));
        high2 = i32x4.add(high2, i32x4.dot_i16x8_s(c, highs));
        high3 = i32x4.add(high3, i32x4.dot_i16x8_s(d, highs));
        at += pitch << 1;
        record += 8;
      }
      const left = i16x8.narrow_i32x4_s(rounded(low0, high0), rounded(low1, high1));
      const right = i16x8.narrow_i32x4_s(rounded(low2, high2), rounded(low3, high3));
      v128.store(target + x, i8x16.narrow_i16x8_u(left, right));
    }
    taps += (<usize>pairs) << 3;
    target += targetPitch;
  }
}

/**
 * Writes what each level becomes. `levels` is [3, 256], red, green, blue, in elements of 4 bytes; `pixel` and `row`
 * are bytes from one to the next in the target, `red`, `green` and `blue` where each channel begins.
 */
export function normalize(
  source: usize,
  pitch: usize,
  width: i32,
  height: i32,
  levels: usize,
  red: usize,
  green: usize,
  blue: usize,
  pixel: usize,
  row: usize,
): void {
  for (let y = 0; y < height; y++) {
    let at = source;
    let to: usize = 0;
    for (let x = 0; x < width; x++) {
      store<i32>(red + to, load<i32>(levels + ((<usize>load<u8>(at)) << 2)));
      store<i32>(green + to, load<i32>(levels + ((<usize>load<u8>(at, 1)) << 2), 1024));
      store<i32>(blue + to, load<i32>(levels + ((<usize>load<u8>(at, 2)) << 2), 2048));
      at += 3;
      to += pixel;
    }
    source += pitch;
    red += row;
    green += row;
    blue += row;
  }
}
