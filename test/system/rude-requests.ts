import type { Random } from "./random.ts";
import type { RawConnection } from "./raw-http.ts";

export interface Materials {
  /** Whole photographs. */
  images: readonly Uint8Array<ArrayBuffer>[];
}

/** One rude client: what it sends. `cut`: it then leaves without waiting for an answer. */
export interface RudeRequest {
  kind: string;
  parts: (string | Uint8Array)[];
  cut: boolean;
}

export const KINDS = [
  "good image",
  "damaged image",
  "truncated image",
  "random bytes",
  "random form",
  "form that lies about its boundary",
  "cut in the head",
  "cut in the body",
  "length too long",
  "length too short",
  "length that is no number",
  "chunked lies",
  "two lengths",
  "garbage for HTTP",
  "random query",
  "random headers",
  "another path or method",
] as const;

const TYPES = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "application/octet-stream",
  "text/html",
  "",
  "image/",
  "multipart/form-data",
];
const METHODS = ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW", "POST"];
const PATHS = [
  "/",
  "/api/v1/predict/",
  "/api/v1/models/../../etc/passwd",
  "/api/v1/predictions/0",
  "/health/live",
  "/swagger/json",
  "//",
  "/%00",
  "/api/v1/models/%2e%2e",
  "/metrics",
  "*",
];

/** The next rude request: the same seed gives the same ones. */
export function rudeRequest(random: Random, { images }: Materials): RudeRequest {
  const kind = random.pick(KINDS);
  const image = random.pick(images);
  const whole = (kind: string, parts: RudeRequest["parts"], cut = false) => ({ kind, parts, cut });
  const cutAt = (bytes: Uint8Array) => bytes.subarray(0, random.whole(0, bytes.length));
  switch (kind) {
    case "good image":
      return whole(kind, [head(random, `Content-Length: ${image.length}`), image]);
    case "damaged image": {
      const body = random.damaged(image);
      return whole(kind, [head(random, `Content-Length: ${body.length}`), body]);
    }
    case "truncated image": {
      const body = cutAt(image);
      return whole(kind, [head(random, `Content-Length: ${body.length}`), body]);
    }
    case "random bytes": {
      const body = random.bytes(random.whole(0, 3000));
      return whole(kind, [head(random, `Content-Length: ${body.length}`, random.pick(TYPES)), body]);
    }
    case "random form":
      return form(random, kind, "b", image);
    case "form that lies about its boundary":
      return form(random, kind, random.pick(["", "other", "b b", '"', "-".repeat(200)]), image);
    case "cut in the head": {
      const text = head(random, `Content-Length: ${image.length}`);
      return whole(kind, [text.slice(0, random.whole(1, text.length))], true);
    }
    case "cut in the body":
      return whole(kind, [head(random, `Content-Length: ${image.length}`), cutAt(image)], true);
    case "length too long":
      return whole(
        kind,
        [head(random, `Content-Length: ${image.length + random.whole(1, 100_000_000)}`), image],
        true,
      );
    case "length too short":
      return whole(
        kind,
        [head(random, `Content-Length: ${random.whole(0, image.length)}`), image],
        random.next() < 0.5,
      );
    case "length that is no number":
      return whole(
        kind,
        [
          head(
            random,
            `Content-Length: ${random.pick(["-1", "abc", "1e3", "0x10", "99999999999999999999", " "])}`,
          ),
          cutAt(image),
        ],
        random.next() < 0.5,
      );
    case "chunked lies": {
      const size = random.pick([image.length.toString(16), "5", "ffffffff", "-1", "zz", "0"]);
      return whole(
        kind,
        [
          head(random, "Transfer-Encoding: chunked"),
          `${size}\r\n`,
          cutAt(image),
          random.pick(["\r\n0\r\n\r\n", "", "0\r\n"]),
        ],
        random.next() < 0.7,
      );
    }
    case "two lengths":
      return whole(
        kind,
        [
          head(random, `Content-Length: 5\r\nContent-Length: ${image.length}\r\nTransfer-Encoding: chunked`),
          cutAt(image),
        ],
        true,
      );
    case "garbage for HTTP":
      return whole(
        kind,
        [
          random.pick([
            "\r\n\r\n",
            "POST\r\n\r\n",
            "GET / HTTP/9.9\r\n\r\n",
            "\x16\x03\x01\x02\x00",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
          ]),
          random.bytes(random.whole(0, 200)),
        ],
        true,
      );
    case "random query":
      return whole(kind, [
        head(random, `Content-Length: ${image.length}`, "image/jpeg", `/api/v1/predict?${query(random)}`),
        image,
      ]);
    case "random headers":
      return whole(kind, [head(random, `${headers(random)}\r\nContent-Length: ${image.length}`), image]);
    case "another path or method":
      return whole(
        kind,
        [
          `${random.pick(METHODS)} ${random.pick(PATHS)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n`,
        ],
        random.next() < 0.3,
      );
  }
}

/** Sends it in pieces and, unless the client leaves, waits a little for an answer; gives the status or null. */
export async function behave(
  connection: RawConnection,
  request: RudeRequest,
  random: Random,
): Promise<number | null> {
  for (const part of request.parts) {
    connection.send(part);
    if (random.next() < 0.1) await Bun.sleep(random.whole(0, 5));
  }
  const answer = request.cut ? null : await connection.answer(2000);
  connection.cut();
  return answer?.status ?? null;
}

function head(random: Random, lines: string, type = "image/jpeg", target = "/api/v1/predict"): string {
  const end = random.next() < 0.5 ? "Connection: close\r\n" : "";
  return `POST ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\n${end}${lines}\r\n\r\n`;
}

function form(random: Random, kind: string, boundary: string, image: Uint8Array): RudeRequest {
  const parts: (string | Uint8Array)[] = [];
  for (let n = random.whole(0, 12); n > 0; n--) {
    const name = random.pick(["file", "files", "other", "", '"', "f".repeat(300)]);
    const filename = random.pick(["a.jpg", "../../etc/passwd", "\u0000.png", "x".repeat(500), "a.exe", ""]);
    parts.push(
      `--b\r\nContent-Disposition: form-data; name="${name}"; filename="${filename}"\r\n${random.pick(["Content-Type: image/jpeg\r\n", "", "Content-Type\r\n"])}\r\n`,
    );
    parts.push(random.next() < 0.3 ? image : random.bytes(random.whole(0, 300)), "\r\n");
  }
  parts.push(random.pick(["--b--\r\n", "--b--", "--b", ""]));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return {
    kind,
    parts: [head(random, `Content-Length: ${length}`, `multipart/form-data; boundary=${boundary}`), ...parts],
    cut: random.next() < 0.1,
  };
}

function query(random: Random): string {
  const name = () => random.pick(["model", "top_k", "min_prob", "explain", "x", "%00", ""]);
  const value = () =>
    random.pick([
      "1",
      "-1",
      "NaN",
      "1e309",
      "%ff",
      "a/b/c",
      "..%2f..%2f",
      "true",
      "rgb-float32",
      "9".repeat(50),
      "",
    ]);
  return Array.from({ length: random.whole(0, 6) }, () => `${name()}=${value()}`).join("&");
}

function headers(random: Random): string {
  const one = () =>
    random.pick([
      "X-Request-Id: <script>",
      "Prefer: handling=strict",
      "Prefer: ,,;=",
      "Content-Encoding: gzip",
      "X-Forwarded-For: 1.2.3.4, garbage",
      `X-Long: ${"a".repeat(2000)}`,
      "Expect: 100-continue",
      "Accept: */*;q=x",
      "Authorization: Bearer nobody",
    ]);
  return Array.from({ length: random.whole(1, 8) }, one).join("\r\n");
}
