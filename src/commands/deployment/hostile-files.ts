import { deflateSync } from "node:zlib";
import { png, seededRandom } from "./photograph.ts";

export interface HostileFile {
  name: string;
  /** As a client would declare it. */
  contentType: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** Whole baseline JPEG of 24 x 24 pixels. */
const JPEG =
  "/9j/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4a" +
  "HjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAYABgDASIAAhEBAxEB/8QA" +
  "FgABAQEAAAAAAAAAAAAAAAAAAAEC/8QAJxAAAgECBQMEAwAAAAAAAAAAARECITEAEiJBUTJhcVKBwfADcrH/xAAXAQADAQAAAAAAAAAAAAAA" +
  "AAAAAQID/8QAHxEAAQQCAgMAAAAAAAAAAAAAAQACEfAhMSJhQUKh/9oADAMBAAIRAxEAPwCAAAxhozHpIBC/nbiqtIJLTKZZ/FK1Wftieydw" +
  "QWYEZTqhGmWSF+DbfxX0yogGRCJLJrAg383+dPMams22UW0qFwYIMAuHEn9fdLurGJDCwOVQMpdMkX8b+KqxCYfH2hIhvm/CrWUYtTZJ1HUP" +
  "rbtXgyAgRbBmCUIzKIOy32FL09QBLDCnB6VEbHVu1qNUIHPGNchQI97d+Ku0imGGLawEkFZuc5sQV//Z";

const SCANS = 400;

/** Small files that want to cost much, to be taken for something else, or to be half of something. */
export function hostileFiles(seed: number): HostileFile[] {
  const random = seededRandom(seed);
  const noise = (length: number) => Uint8Array.from({ length }, () => random() * 256);
  const file = (name: string, contentType: string, ...parts: (string | Uint8Array)[]): HostileFile => {
    const bytes = parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part));
    return { name, contentType, bytes: new Uint8Array(Buffer.concat(bytes)) };
  };
  const jpeg = Uint8Array.fromBase64(JPEG);
  return [
    file("truncated JPEG", "image/jpeg", jpeg.subarray(0, jpeg.length - 60 - Math.floor(random() * 60))),
    { name: "PNG that claims 60,000 x 60,000 pixels", contentType: "image/png", bytes: pixelFlood() },
    file(`progressive JPEG of ${SCANS} scans`, "image/jpeg", scanBomb()),
    file("noise behind a JPEG's signature", "image/jpeg", "\xff\xd8\xff\xe0", noise(4000)),
    file("text as JPEG", "image/jpeg", "This is no photograph.\n".repeat(40)),
    file("GIF that is a script, too", "image/gif", "GIF89a/*", noise(20), "*/=1;alert(1)//"),
    file(
      "JPEG that is a PHP script, too",
      "image/jpeg",
      "\xff\xd8\xff\xfe\x00\x1a<?php system($_GET[0]);?>\xff\xd9",
    ),
    file("SVG that loads from elsewhere", "image/svg+xml", SVG),
    file("archive as PNG", "image/png", "PK\x03\x04\x14\x00\x00\x00\x08\x00", noise(500)),
    file("nothing", "image/jpeg"),
  ];
}

const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/><image href="http://127.0.0.1/"/></svg>';

const pixelFlood = () => png(60_000, 60_000, deflateSync(new Uint8Array(100_000)));

/** Frame header of a progressive JPEG and scan after scan, each of next to nothing (ITU-T T.81 annex B). */
function scanBomb(): Uint8Array {
  const frame = [0xff, 0xc2, 0, 11, 8, 0x10, 0, 0x10, 0, 1, 1, 0x11, 0];
  const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0, 0];
  const scans = Array.from({ length: SCANS }, () => scan).flat();
  return Uint8Array.from([0xff, 0xd8, ...frame, ...scans, 0xff, 0xd9]);
}
