import { describe, expect, test } from "bun:test";
import { goldenImage } from "../../../test/golden/cases.ts";
import { type Shrink, shrunkSize, TurboJpeg, TurboJpegError } from "./turbo-jpeg.ts";

/** The only platform that the package brings the library for as a file of its own. */
const isThere = process.platform === "linux";
const SIZE = { width: 73, height: 53 };
const bytes = async (file: string) => (await goldenImage(file)).bytes;

describe.skipIf(!isThere)("libjpeg-turbo (wants Linux)", () => {
  test("writes what it was given room for and nothing around it", async () => {
    const turbo = await TurboJpeg.load();
    for (const shrink of [1, 2, 4, 8] as const) {
      const { width, height } = shrunkSize(SIZE, shrink);
      const room = new Uint8Array(width * height * 3 + 2000).fill(7);
      await turbo.decode(await bytes("jpeg-420.jpg"), SIZE, shrink, room.subarray(1000, -1000));
      expect([...room.subarray(0, 1000), ...room.subarray(-1000)].every((byte) => byte === 7)).toBe(true);
      expect(room.subarray(1000, -1000).every((byte) => byte === 7)).toBe(false);
    }
  });

  // Its writing past the end would be an attacker's writing past the end.
  test.each([
    [1, { width: 72, height: 53 }],
    [1, { width: 1, height: 1 }],
    [2, { width: 53, height: 73 }],
    [2, { width: 72, height: 53 }],
    [8, { width: 800, height: 600 }],
  ] as const)(
    "a picture that is of another size than was said, at 1/%i, is refused",
    async (shrink, size) => {
      const turbo = await TurboJpeg.load();
      const { width, height } = shrunkSize(size, shrink);
      const room = new Uint8Array(width * height * 3 + 20_000).fill(7);
      const decoding = turbo.decode(await bytes("jpeg-420.jpg"), size, shrink, room.subarray(0, -20_000));
      await expect(decoding).rejects.toBeInstanceOf(TurboJpegError);
      expect(room.every((byte) => byte === 7)).toBe(true);
    },
  );

  test("room of another size is refused", async () => {
    const turbo = await TurboJpeg.load();
    const room = new Uint8Array(73 * 53 * 3 - 1);
    await expect(turbo.decode(await bytes("jpeg-420.jpg"), SIZE, 1, room)).rejects.toBeInstanceOf(RangeError);
  });

  test("goes on after a picture that it refused, and with collections between", async () => {
    const turbo = await TurboJpeg.load();
    const whole = await bytes("jpeg-420.jpg");
    const decode = async (source: Uint8Array, shrink: Shrink) => {
      const { width, height } = shrunkSize(SIZE, shrink);
      const room = new Uint8Array(width * height * 3);
      await turbo.decode(source, SIZE, shrink, room);
      return Bun.hash(room);
    };
    const expected = await Promise.all(([1, 2, 4, 8] as const).map((shrink) => decode(whole, shrink)));
    for (let round = 0; round < 20; round++) {
      const broken = decode(whole.slice(0, -300), 1).catch((error: unknown) => error);
      const sound = Promise.all(([1, 2, 4, 8] as const).map((shrink) => decode(whole.slice(), shrink)));
      Bun.gc(true);
      expect(await broken).toBeInstanceOf(TurboJpegError);
      expect(await sound).toEqual(expected);
    }
  });
});
