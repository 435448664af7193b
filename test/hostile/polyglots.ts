import { ascii, INVALID, image, SERVED, type Specimen, UNSUPPORTED } from "./specimen.ts";

const HTML = ascii("<!doctype html><script>alert(document.domain)</script>");
const SVG = ascii(
  '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>',
);

/** An empty ZIP archive: its end record alone. */
const ZIP = Buffer.from([0x50, 0x4b, 5, 6, ...Array<number>(18).fill(0)]);

/** A GIF whose first bytes are a script's assignment to GIF89a, its width the start of a comment. */
function gifScript(): Buffer {
  const screen = [...ascii("/*"), 1, 0, 0x80, 0, 0, 0, 0, 0, 9, 9, 9];
  const picture = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0];
  return Buffer.concat([
    ascii("GIF89a"),
    Buffer.from([...screen, ...picture, 0x3b]),
    ascii("*/=1;alert(1)//"),
  ]);
}

const comment = (jpeg: Uint8Array, text: Uint8Array) =>
  Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, 0xfe, (text.length + 2) >> 8, (text.length + 2) & 0xff]),
    text,
    jpeg.subarray(2),
  ]);

/** Files that are two things at once. Whatever begins as a whole picture is one; the answer is JSON anyway. */
export function polyglots(jpeg: Uint8Array, png: Uint8Array, gif: Uint8Array): Specimen[] {
  return [
    image("JPEG with HTML in a comment", comment(jpeg, HTML), SERVED),
    image("JPEG, then HTML", Buffer.concat([jpeg, HTML]), SERVED),
    image("JPEG, then another JPEG", Buffer.concat([jpeg, jpeg]), SERVED),
    image("JPEG, then PHP", Buffer.concat([jpeg, ascii("<?php system($_GET[0]); ?>")]), SERVED),
    image("GIF that is a script", gifScript(), SERVED),
    image("GIF, then a script", Buffer.concat([gif, ascii("*/alert(1)//")]), SERVED),
    image("PNG, then ZIP", Buffer.concat([png, ZIP]), SERVED),
    image("HTML, then JPEG", Buffer.concat([HTML, jpeg]), UNSUPPORTED),
    image("PDF, then JPEG", Buffer.concat([ascii("%PDF-1.7\n"), jpeg]), UNSUPPORTED),
    image("ZIP, then PNG", Buffer.concat([ascii("PK\x03\x04"), png]), UNSUPPORTED),
    image("SVG that names a file", SVG, UNSUPPORTED),
    image(
      "ImageMagick script",
      ascii("push graphic-context\nfill 'url(https://127.0.0.1/x)'\n"),
      UNSUPPORTED,
    ),
    image("PostScript", ascii("%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n"), UNSUPPORTED),
    image("PNG that calls itself a JPEG inside", Buffer.concat([jpeg.subarray(0, 20), png]), INVALID),
    image("TIFF", Buffer.concat([ascii("II*\0\x08\0\0\0"), Buffer.alloc(64)]), UNSUPPORTED),
    image(
      "HEIC",
      Buffer.concat([Buffer.from([0, 0, 0, 24]), ascii("ftypheic"), Buffer.alloc(64)]),
      UNSUPPORTED,
    ),
  ];
}
