import { expect, test } from "bun:test";
import { rgbFromInks, rgbOnWhite } from "./to-rgb.ts";

test("inks multiply", () => {
  expect([...rgbFromInks(Uint8Array.of(0, 0, 0, 0, 255, 0, 0, 0, 0, 255, 128, 0, 10, 20, 30, 255))]).toEqual([
    255, 255, 255, 0, 255, 255, 255, 0, 127, 0, 0, 0,
  ]);
});

test("what is see-through shows white", () => {
  expect([...rgbOnWhite(Uint8Array.of(10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 128))]).toEqual([
    10, 20, 30, 255, 255, 255, 127, 177, 227,
  ]);
});

test("both round to the nearest level, everywhere", () => {
  for (let value = 0; value < 256; value++) {
    for (let part = 0; part < 256; part++) {
      const share = Math.round((value * part) / 255);
      expect(rgbFromInks(Uint8Array.of(255 - value, 0, 0, 255 - part))[0]).toBe(share);
      expect(rgbOnWhite(Uint8Array.of(255 - value, 0, 0, part))[0]).toBe(255 - share);
    }
  }
});
