import { expect, test } from "bun:test";
import { isSrgbProfile } from "./icc.ts";

/** A profile with nothing in it but its description. */
function profile(description: Buffer, at = 144): Buffer {
  const bytes = Buffer.alloc(144 + description.length);
  bytes.writeUInt32BE(1, 128);
  bytes.write("desc", 132, "latin1");
  bytes.writeUInt32BE(at, 136);
  description.copy(bytes, 144);
  return bytes;
}

function version2(name: string): Buffer {
  const bytes = Buffer.alloc(12 + name.length + 80);
  bytes.write("desc", 0, "latin1");
  bytes.writeUInt32BE(name.length + 1, 8);
  bytes.write(name, 12, "latin1");
  return profile(bytes);
}

function version4(name: string): Buffer {
  const bytes = Buffer.alloc(28 + name.length * 2);
  bytes.write("mluc", 0, "latin1");
  bytes.writeUInt32BE(1, 8);
  bytes.writeUInt32BE(name.length * 2, 20);
  bytes.writeUInt32BE(28, 24);
  bytes.set(Buffer.from(name, "utf16le").swap16(), 28);
  return profile(bytes);
}

test.each(["sRGB", "sRGB IEC61966-2.1", "sRGB IEC61966-2-1 black scaled", "sRGB built-in", "c2"])(
  "%s is sRGB",
  (name) => {
    expect(isSrgbProfile(version2(name))).toBe(true);
    expect(isSrgbProfile(version4(name))).toBe(true);
  },
);

test.each(["Display P3", "Adobe RGB (1998)", "sRGB-elle-V2-g10.icc", "linear sRGB", ""])(
  "%s is not",
  (name) => {
    expect(isSrgbProfile(version2(name))).toBe(false);
    expect(isSrgbProfile(version4(name))).toBe(false);
  },
);

test("what is no profile is not sRGB", () => {
  expect(isSrgbProfile(new Uint8Array(0))).toBe(false);
  expect(isSrgbProfile(Buffer.alloc(200, 255))).toBe(false);
  expect(isSrgbProfile(profile(Buffer.alloc(100), 0xffffffff))).toBe(false);
  for (let length = 0; length < 170; length++)
    expect(isSrgbProfile(version4("sRGB").subarray(0, length))).toBe(false);
});
