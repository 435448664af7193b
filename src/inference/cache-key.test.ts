import { describe, expect, test } from "bun:test";
import { cacheKey, imageDigest } from "./cache-key.ts";

describe("imageDigest", () => {
  test("is SHA-256", () => {
    const bytes = new TextEncoder().encode("abc");
    expect(imageDigest(bytes)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});

describe("cacheKey", () => {
  test("is the same for the same parts", () => {
    expect(cacheKey("image", "model", "options")).toBe(cacheKey("image", "model", "options"));
  });

  test("differs with each part, also when the parts run together alike", () => {
    const keys = [
      cacheKey("image", "model", "options"),
      cacheKey("imagf", "model", "options"),
      cacheKey("image", "modem", "options"),
      cacheKey("image", "model", "optionz"),
      cacheKey("imagem", "odel", "options"),
      cacheKey("image", "modelo", "ptions"),
      cacheKey("imagemodel", "", "options"),
      cacheKey("image5:model", "", "options"),
      cacheKey("", "image5:model", "options"),
      cacheKey("image", "", "modeloptions"),
      cacheKey("", "", ""),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});
