import { RawConnection } from "../system/raw-http.ts";

/** A request that no HTTP client would send: wrong lengths, slow bodies, broken heads. */
export interface WireAbuse {
  name: string;
  /** Right outcomes, "closed" among them: the connection ended without an answer. */
  expected: readonly string[];
  /** How many at the same time. */
  together: number;
  play(connection: RawConnection): Promise<void>;
}

export const CLOSED = "closed";
const TOO_SLOW = "408 REQUEST_TIMEOUT";
const BROKEN = "400";
const HEAD_TOO_LARGE = "431";

const head = (...lines: string[]) =>
  `POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
const fields = (count: number, size: number) =>
  Array.from({ length: count }, (_, i) => `X-${i}: ${"a".repeat(size)}`);

/** @param readTimeoutMs of the server: how long a slow body is kept up */
export function wireAbuse(jpeg: Uint8Array, readTimeoutMs: number): WireAbuse[] {
  const once = (name: string, expected: string[], ...parts: (string | Uint8Array)[]): WireAbuse => ({
    name,
    expected,
    together: 1,
    async play(connection) {
      for (const part of parts) connection.send(part);
    },
  });
  const length = `Content-Length: ${jpeg.length}`;
  return [
    {
      name: "a byte every 50 ms",
      expected: [TOO_SLOW],
      together: 32,
      async play(connection) {
        connection.send(head(length));
        const until = performance.now() + readTimeoutMs + 200;
        for (let at = 0; performance.now() < until; at++) {
          connection.send(jpeg.subarray(at, at + 1));
          await Bun.sleep(50);
        }
      },
    },
    { ...once("a body that never comes", [TOO_SLOW], head(length)), together: 64 },
    {
      ...once("a body that stops half way", [TOO_SLOW], head(length), jpeg.subarray(0, jpeg.length / 2)),
      together: 16,
    },
    once(
      "a length that is longer than the body",
      [TOO_SLOW, CLOSED],
      head(`Content-Length: ${jpeg.length + 500}`),
      jpeg,
    ),
    once(
      "a length that is shorter than the body",
      ["422 INVALID_IMAGE"],
      head(`Content-Length: ${jpeg.length - 100}`),
      jpeg,
    ),
    once("a length of 100 GB", ["413 FILE_TOO_LARGE", "413"], head("Content-Length: 100000000000")),
    once("a length that is no number", [BROKEN, CLOSED], head("Content-Length: 12x"), jpeg),
    once("a length below zero", [BROKEN, CLOSED], head("Content-Length: -1"), jpeg),
    once("two lengths", [BROKEN, CLOSED], head("Content-Length: 5", length), jpeg),
    once(
      "a length and chunks",
      [BROKEN, CLOSED, "400 INVALID_REQUEST"],
      head(length, "Transfer-Encoding: chunked"),
      jpeg,
    ),
    once(
      "a chunk that is no number",
      [BROKEN, CLOSED, "400 INVALID_REQUEST"],
      head("Transfer-Encoding: chunked"),
      "zz\r\n",
    ),
    once(
      "a chunk of 4 GB",
      [TOO_SLOW, CLOSED, BROKEN, "413"],
      head("Transfer-Encoding: chunked"),
      "ffffffff\r\n",
      jpeg,
    ),
    once("300 header fields", [HEAD_TOO_LARGE], head(...fields(300, 1), "Content-Length: 0")),
    once(
      "100 KB of header fields",
      [HEAD_TOO_LARGE, CLOSED],
      head(...fields(10, 10_000), "Content-Length: 0"),
    ),
    once(
      "a request line of 100 KB",
      [HEAD_TOO_LARGE, CLOSED],
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    ),
    once(
      "TLS on a plain port",
      [BROKEN, CLOSED],
      new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
      "\r\n\r\n",
    ),
    once("gzip", ["400 INVALID_REQUEST"], head("Content-Encoding: gzip", length), jpeg),
  ];
}

/** The outcome of one: status and code, or "closed". */
export async function play(abuse: WireAbuse, port: number, withinMs: number): Promise<string> {
  const connection = await RawConnection.open(port);
  const playing = abuse.play(connection);
  const answer = await connection.answer(withinMs);
  await playing;
  connection.cut();
  if (answer === null) return CLOSED;
  const code = answer.body === "" ? null : (JSON.parse(answer.body) as { error?: string }).error;
  return code ? `${answer.status} ${code}` : String(answer.status);
}
