import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { CheckFailed } from "./finding.ts";

export interface RawReply {
  status: number;
  /** Lower-case names. */
  headers: Map<string, string>;
  body: string;
}

/**
 * Sends a request's head as it stands, for requests that no HTTP client would send, and reads the head of the
 * answer and as much of its body as was declared.
 * @throws CheckFailed where the connection fails or ends without an answer
 */
export function rawRequest(
  url: URL,
  head: string,
  { insecure, timeoutMs }: { insecure: boolean; timeoutMs: number },
): Promise<RawReply> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const secure = url.protocol === "https:";
  const port = Number(url.port) || (secure ? 443 : 80);
  return new Promise((resolve, reject) => {
    const servername = /^[\d.]+$|:/.test(host) ? "" : host;
    const send = () => socket.write(head);
    const socket = secure
      ? connectTls({ host, port, servername, rejectUnauthorized: !insecure }, send)
      : connect({ host, port }, send);
    let received = "";
    const end = (reply: RawReply | null, why: string) => {
      clearTimeout(timer);
      socket.destroy();
      if (reply === null) reject(new CheckFailed(`no answer (${why})`));
      else resolve(reply);
    };
    const timer = setTimeout(() => end(null, `none in ${timeoutMs} ms`), timeoutMs);
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1");
      const reply = readReply(received, false);
      if (reply !== null) end(reply, "");
    });
    socket.on("close", () => end(readReply(received, true), "the connection was closed"));
    socket.on("error", (error: Error) => end(readReply(received, true), error.message));
  });
}

/** @param closed nothing more will come, so that what is there is all */
function readReply(received: string, closed: boolean): RawReply | null {
  const headEnd = received.indexOf("\r\n\r\n");
  if (headEnd < 0) return null;
  const [statusLine = "", ...lines] = received.slice(0, headEnd).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
  if (!(status >= 200)) return null;
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const body = received.slice(headEnd + 4);
  const whole = body.length >= Number(headers.get("content-length") ?? Number.POSITIVE_INFINITY);
  return whole || closed ? { status, headers, body } : null;
}
