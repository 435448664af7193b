/** One envelope as it came: https://develop.sentry.dev/sdk/foundations/envelopes/ */
export interface ReceivedEnvelope {
  path: string;
  auth: string;
  header: Record<string, unknown>;
  items: { header: Record<string, unknown>; payload: string }[];
}

export interface SentryStub extends Disposable {
  /** A DSN of project 42 with the key "publickey". */
  dsn: string;
  envelopes: ReceivedEnvelope[];
  /** Events of all envelopes so far. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes is what is being tested
  events(): any[];
}

/** What Sentry is to a client: takes envelopes, refuses what is none, and answers as `answer` says. */
export function startSentry(
  answer: () => Response | Promise<Response> = () => Response.json({}),
): SentryStub {
  const envelopes: ReceivedEnvelope[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const envelope = parseEnvelope(await request.text());
      if (envelope === null) return new Response("no envelope", { status: 400 });
      const auth = request.headers.get("x-sentry-auth") ?? "";
      envelopes.push({ path: new URL(request.url).pathname, auth, ...envelope });
      return answer();
    },
  });
  return {
    dsn: `http://publickey@127.0.0.1:${server.port}/below/42`,
    envelopes,
    events: () =>
      envelopes.flatMap(({ items }) =>
        items.filter(({ header }) => header.type === "event").map(({ payload }) => JSON.parse(payload)),
      ),
    [Symbol.dispose]: () => void server.stop(true),
  };
}

/** Header line, then for each item its header line and as many bytes as that names. Null where it is none. */
function parseEnvelope(text: string): Pick<ReceivedEnvelope, "header" | "items"> | null {
  let rest = Buffer.from(text);
  const line = () => {
    const end = rest.indexOf("\n");
    const found = rest.subarray(0, end < 0 ? rest.length : end).toString();
    rest = rest.subarray(end < 0 ? rest.length : end + 1);
    return found;
  };
  try {
    const header = JSON.parse(line());
    const items = [];
    while (rest.length > 0) {
      const itemHeader = JSON.parse(line());
      const payload = rest.subarray(0, itemHeader.length);
      if (payload.length !== itemHeader.length) return null;
      if (rest.length > payload.length && rest[payload.length] !== 0x0a) return null;
      rest = rest.subarray(payload.length + 1);
      items.push({ header: itemHeader, payload: payload.toString() });
    }
    return { header, items };
  } catch {
    return null;
  }
}
