import { expect, test } from "bun:test";
import { goldenImage } from "../../../test/golden/cases.ts";
import { detectFormat, detectMediaType } from "./signature.ts";

test.each([
  ["image/heic", "\0\0\0\x18ftypheic\0\0\0\0"],
  ["image/heif", "\0\0\0\x18ftypmif1\0\0\0\0"],
  ["image/avif", "\0\0\0\x1cftypavif\0\0\0\0"],
  ["video/mp4", "\0\0\0\x18ftypisom\0\0\0\0"],
  ["image/tiff", "II*\0\x08\0\0\0"],
  ["image/tiff", "MM\0*\0\0\0\x08"],
  ["image/bmp", "BM\x36\x10\0\0"],
  ["image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg">'],
  ["image/svg+xml", '\xef\xbb\xbf\n<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="1">'],
  ["text/html", "<!DOCTYPE html><html><svg></svg></html>"],
  ["application/xml", '<?xml version="1.0"?><note/>'],
  ["application/json", '{"image": "..."}'],
  ["application/json", "[1, 2]"],
  ["application/pdf", "%PDF-1.7\n"],
  ["application/zip", "PK\x03\x04"],
  ["image/jxl", "\xff\x0a\0"],
  [null, "RIFF\0\0\0\0WAVE"],
  [null, "leaf"],
  [null, ""],
])("%s", (mediaType, bytes) => {
  expect(detectMediaType(Buffer.from(bytes, "latin1"))).toBe(mediaType);
  expect(detectFormat(Buffer.from(bytes, "latin1"))).toBeNull();
});

test("the four that can be taken", async () => {
  expect(detectFormat((await goldenImage("jpeg-420.jpg")).bytes)).toBe("jpeg");
  expect(detectFormat((await goldenImage("png-rgb.png")).bytes)).toBe("png");
  expect(detectFormat((await goldenImage("webp-lossy.webp")).bytes)).toBe("webp");
  expect(detectFormat((await goldenImage("gif.gif")).bytes)).toBe("gif");
});
