import { gifClears } from "./animation-bombs.ts";
import { ascii, EMPTY, INVALID, LARGE, MALFORMED, SERVED, type Specimen, UNSUPPORTED } from "./specimen.ts";

const MIB = 1024 * 1024;
const NO_IMAGE = "400 NO_IMAGE";
const TOO_MANY = "422 VALIDATION_FAILED";

function form(name: string, body: Uint8Array, expected: string[], boundary = "b"): Specimen {
  const contentType = `multipart/form-data; boundary=${boundary}`;
  return { name, bytes: new Uint8Array(body), contentType, expected };
}

const part = (headers: string, body: Uint8Array, boundary = "b") =>
  Buffer.concat([ascii(`--${boundary}\r\n${headers}\r\n\r\n`), body, ascii("\r\n")]);
const file = (body: Uint8Array, filename = "a.jpg") =>
  part(`Content-Disposition: form-data; name="file"; filename="${filename}"`, body);
const END = ascii("--b--\r\n");
const whole = (...parts: Uint8Array[]) => Buffer.concat([...parts, END]);

/** Forms that are large, deep, or lie. */
export function formAbuse(jpeg: Uint8Array): Specimen[] {
  const codes = gifClears(255, 4.7 * MIB);
  const field = part('Content-Disposition: form-data; name="x"', ascii("1"));
  const many = Buffer.alloc(60_000 * field.length, field);
  const nested = whole(
    part(
      'Content-Disposition: form-data; name="file"\r\nContent-Type: multipart/mixed; boundary=c',
      Buffer.concat([part("Content-Disposition: file; filename=a.jpg", jpeg, "c"), ascii("--c--\r\n")]),
    ),
  );
  const within = whole(
    file(Buffer.concat([jpeg.subarray(0, 100), ascii("\r\n--b\r\n"), jpeg.subarray(100)])),
  );
  const long = "a".repeat(60);
  const nearly = Buffer.alloc(30 * MIB, ascii(`\r\n--${long}X`));
  return [
    form("60,000 parts", whole(many), [MALFORMED]),
    form("60,000 parts that never end", many, [MALFORMED]),
    form("60,000 boundaries and nothing between", whole(Buffer.alloc(300_000, ascii("--b\r\n"))), [
      MALFORMED,
    ]),
    form("nine photographs", whole(...Array.from({ length: 9 }, () => file(jpeg))), [TOO_MANY]),
    form(
      "a header line of 1 MB",
      whole(part(`Content-Disposition: form-data; name="${"n".repeat(MIB)}"`, jpeg)),
      [MALFORMED],
    ),
    form(
      "20,000 header lines",
      whole(part(`${"X: 1\r\n".repeat(20_000)}Content-Disposition: form-data; name="file"`, jpeg)),
      [MALFORMED],
    ),
    form("a file name of 7 KB", whole(file(jpeg, `${"n".repeat(7000)}.jpg`)), [SERVED]),
    form("a file name that climbs", whole(file(jpeg, "../../../../etc/passwd\0.jpg")), [SERVED]),
    form(
      "7 KB of parameters",
      whole(part(`Content-Disposition: form-data; name="file"${';a="\\"'.repeat(1100)}`, jpeg)),
      [SERVED, MALFORMED],
    ),
    form("a form in a form", nested, [UNSUPPORTED]),
    form("the boundary inside a photograph", within, [MALFORMED, INVALID]),
    form(
      "30 MB that are nearly boundaries",
      Buffer.concat([ascii(`--${long}\r\n\r\n\r\n`), nearly]),
      [MALFORMED],
      long,
    ),
    form("30 MB before the first boundary", Buffer.concat([nearly, ascii("\r\n"), whole(file(jpeg))]), [
      SERVED,
    ]),
    form("30 MB after the last boundary", Buffer.concat([whole(file(jpeg)), nearly]), [SERVED]),
    form(
      "30 MB of line breaks as headers",
      Buffer.concat([ascii("--b\r\n"), Buffer.alloc(30 * MIB, ascii("\r\n"))]),
      [MALFORMED],
    ),
    form("a photograph of 11 MB", whole(file(Buffer.concat([jpeg, Buffer.alloc(11 * MIB)]))), [LARGE]),
    form("40.5 MB", whole(file(Buffer.alloc(40.5 * MIB))), [LARGE]),
    // So far past the largest request that Bun refuses it by itself, without a body.
    form("42 MB", whole(file(Buffer.alloc(42 * MIB))), ["413"]),
    form("eight GIF of 5 MB of codes", whole(...Array.from({ length: 8 }, () => file(codes))), [INVALID]),
    form("an empty file", whole(file(new Uint8Array())), [EMPTY]),
    form("no file", END, [NO_IMAGE]),
    form("nothing", new Uint8Array(), [NO_IMAGE]),
    form("another boundary", whole(file(jpeg)), [MALFORMED], "other"),
    form("a boundary of 200 characters", whole(file(jpeg)), [MALFORMED], "b".repeat(200)),
    form("no boundary", whole(file(jpeg)), [MALFORMED], ""),
    form(
      "base64",
      whole(
        part(
          'Content-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64',
          ascii("/9j/"),
        ),
      ),
      [MALFORMED],
    ),
  ];
}
