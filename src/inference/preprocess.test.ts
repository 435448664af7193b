import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { PinholeError } from "../errors.ts";
import type { Manifest } from "../model-repository/manifest.ts";
import type { ImageTensor } from "./image.ts";
import { Preprocessor } from "./preprocess.ts";

type Description = Pick<Manifest, "input" | "resize" | "normalize">;

const FIXTURES = join(import.meta.dir, "../../test/fixtures/preprocess");

interface Reference {
  background: [number, number, number];
  cases: (Pick<Manifest["resize"], "fit" | "crop" | "interpolation"> & {
    source: [number, number];
    target: [number, number];
  })[];
}

/** The same noise as in make_reference.py. */
function noise(width: number, height: number): ImageTensor {
  const data = new Uint8Array(width * height * 3);
  let state = width * 1000 + height;
  for (let index = 0; index < data.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[index] = Math.min(255, Math.max(0, ((state >>> 24) - 64) * 2));
  }
  return { data, width, height };
}

/** Values 0..255 in RGB, row by row. */
function asIs(width: number, height: number, resize: Manifest["resize"]): Description {
  return {
    input: { name: "image", dtype: "float32", layout: "NHWC", width, height, color: "RGB" },
    resize,
    normalize: { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
  };
}

const COVER = { fit: "cover", crop: 1, interpolation: "bilinear" } as const;

describe("against Pillow, which networks are trained with", async () => {
  const { background, cases } = (await Bun.file(join(FIXTURES, "reference.json")).json()) as Reference;
  const pixels = await Bun.file(join(FIXTURES, "reference.bin")).bytes();
  let offset = 0;
  for (const { source, target, ...resize } of cases) {
    const [width, height] = target;
    const expected = pixels.subarray(offset, offset + width * height * 3);
    offset += expected.length;
    test(`${source.join("x")} to ${target.join("x")}, ${resize.fit} ${resize.crop}, ${resize.interpolation}`, () => {
      const bordered = resize.fit === "contain" ? { ...resize, background } : resize;
      for (const kernel of [true, false]) {
        const preprocessor = new Preprocessor(asIs(width, height, bordered), 1, { kernel });
        preprocessor.write(noise(...source), 0);
        expect([...preprocessor.input]).toEqual([...expected]);
      }
    });
  }

  test("every stored pixel was compared", () => {
    expect(offset).toBe(pixels.length);
    expect(cases.length).toBeGreaterThan(60);
  });
});

describe("normalised", () => {
  const image: ImageTensor = { data: Uint8Array.of(10, 20, 30, 40, 50, 60), width: 2, height: 1 };
  const normalize: Manifest["normalize"] = { scale: 1 / 255, mean: [0.5, 0.25, 0.125], std: [0.5, 0.25, 2] };
  const write = (input: Partial<Manifest["input"]>) => {
    const description = asIs(2, 1, COVER);
    const identity = input.dtype === "uint8";
    const preprocessor = new Preprocessor(
      {
        ...description,
        input: { ...description.input, ...input },
        normalize: identity ? description.normalize : normalize,
      },
      1,
    );
    preprocessor.write(image, 0);
    return preprocessor.input;
  };
  const at = (level: number, channel: 0 | 1 | 2) =>
    (level / 255 - normalize.mean[channel]) / normalize.std[channel];

  test("float32, NCHW, RGB", () => {
    const expected = [at(10, 0), at(40, 0), at(20, 1), at(50, 1), at(30, 2), at(60, 2)];
    expect(write({ layout: "NCHW" })).toEqual(Float32Array.from(expected));
  });

  test("float32, NHWC, RGB", () => {
    const expected = [at(10, 0), at(20, 1), at(30, 2), at(40, 0), at(50, 1), at(60, 2)];
    expect(write({ layout: "NHWC" })).toEqual(Float32Array.from(expected));
  });

  test("in BGR, mean and deviation stand in that order, too", () => {
    const expected = [at(30, 0), at(60, 0), at(20, 1), at(50, 1), at(10, 2), at(40, 2)];
    expect(write({ layout: "NCHW", color: "BGR" })).toEqual(Float32Array.from(expected));
  });

  test("float16 as its bits", () => {
    const bits = write({ dtype: "float16" });
    const expected = [at(10, 0), at(20, 1), at(30, 2), at(40, 0), at(50, 1), at(60, 2)];
    expect(bits).toBeInstanceOf(Uint16Array);
    expect(new Float16Array(bits.slice().buffer as ArrayBuffer)).toEqual(Float16Array.from(expected));
  });

  test("uint8 is the level itself", () => {
    expect(write({ dtype: "uint8", color: "BGR" })).toEqual(Uint8Array.of(30, 20, 10, 60, 50, 40));
  });
});

/** Whole numbers from `least` to `most`, from a linear congruential generator. */
function randomIntegers(seed: number) {
  let state = seed;
  return (least: number, most: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return least + (state % (most - least + 1));
  };
}

describe("WebAssembly and plain TypeScript give the same", () => {
  const random = randomIntegers(20_261_121);
  const pick = <T>(choices: readonly T[]) => choices[random(0, choices.length - 1)]!;

  test("for pictures and models of any kind", () => {
    for (let round = 0; round < 150; round++) {
      const fit = pick(["cover", "contain", "stretch"] as const);
      const manifest: Description = {
        input: {
          name: "image",
          dtype: pick(["float32", "float16", "uint8"] as const),
          layout: pick(["NCHW", "NHWC"] as const),
          width: random(1, 70),
          height: random(1, 70),
          color: pick(["RGB", "BGR"] as const),
        },
        resize: {
          fit,
          crop: fit === "contain" ? 1 : pick([1, 0.875, 0.3]),
          interpolation: pick(["nearest", "bilinear", "bicubic", "lanczos"] as const),
          ...(fit === "contain" ? { background: [9, 8, 7] as [number, number, number] } : {}),
        },
        normalize: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
      };
      if (manifest.input.dtype === "uint8") manifest.normalize = asIs(1, 1, COVER).normalize;
      const [kernel, plain] = [true, false].map(
        (isKernel) => new Preprocessor(manifest, 1, { kernel: isKernel }),
      );
      for (let picture = 0; picture < 3; picture++) {
        const image = noise(random(1, 200), random(1, 200));
        kernel!.write(image, 0);
        plain!.write(image, 0);
        expect({ ...manifest, image: [image.width, image.height], input: kernel!.input }).toEqual({
          ...manifest,
          image: [image.width, image.height],
          input: plain!.input,
        });
      }
    }
  });

  test("for strips up to the memory of the kernel and beyond", () => {
    const manifest = asIs(16, 16, { fit: "stretch", crop: 1, interpolation: "lanczos" });
    const [kernel, plain] = [true, false].map(
      (isKernel) => new Preprocessor(manifest, 1, { kernel: isKernel }),
    );
    // The longest go the plain way; those between fill the kernel's memory to various degrees.
    const strips = Array.from({ length: 10 }, (_, index) => Math.round(500 * 1.8 ** index));
    for (const image of strips.flatMap((side) => [noise(side, 20), noise(20, side), noise(side, 1)])) {
      kernel!.write(image, 0);
      plain!.write(image, 0);
      expect(kernel!.input).toEqual(plain!.input);
    }
  });
});

test("a row is written to its place and nowhere else", () => {
  const preprocessor = new Preprocessor(asIs(3, 2, COVER), 3);
  const memory = preprocessor.input.fill(-1);
  preprocessor.write(noise(7, 5), 1);
  const length = preprocessor.rowLength;
  expect(length).toBe(18);
  expect(memory.subarray(0, length).every((value) => value === -1)).toBe(true);
  expect(memory.subarray(length, 2 * length).every((value) => value >= 0)).toBe(true);
  expect(memory.subarray(2 * length).every((value) => value === -1)).toBe(true);
});

test("what was written before leaves no trace, whatever its size", () => {
  const contain = { fit: "contain", crop: 1, interpolation: "bicubic", background: [1, 2, 3] } as const;
  const reused = new Preprocessor(asIs(16, 16, { ...contain, background: [...contain.background] }), 1);
  // More sizes than are kept, wide and tall in turn, twice over.
  for (let round = 0; round < 2; round++) {
    for (let size = 1; size <= 40; size++) {
      const image = size % 2 === 0 ? noise(size * 3, 20) : noise(20, size * 3);
      reused.write(image, 0);
      const fresh = new Preprocessor(asIs(16, 16, { ...contain, background: [...contain.background] }), 1);
      fresh.write(image, 0);
      expect(reused.input).toEqual(fresh.input);
    }
  }
});

test("a tensor that is not whole is refused", () => {
  const preprocessor = new Preprocessor(asIs(4, 4, COVER), 1);
  const wrong: ImageTensor[] = [
    { data: new Uint8Array(11), width: 2, height: 2 },
    { data: new Uint8Array(13), width: 2, height: 2 },
    { data: new Uint8Array(0), width: 0, height: 0 },
  ];
  for (const image of wrong) expect(() => preprocessor.write(image, 0)).toThrow(PinholeError);
});
