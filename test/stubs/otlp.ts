/** A span as OTLP/HTTP JSON has it (https://opentelemetry.io/docs/specs/otlp/), attributes as plain values. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  traceState: string | undefined;
  name: string;
  /** 1 internal, 2 server. */
  kind: number;
  /** ns since the epoch. */
  start: bigint;
  end: bigint;
  attributes: Record<string, unknown>;
  /** 0 unset, 1 ok, 2 error. */
  status: number;
  /** Attributes of the resource that it came from. */
  resource: Record<string, unknown>;
}

export interface OtlpReceiver extends Disposable {
  /** For `PINHOLE_OTLP_ENDPOINT`. */
  endpoint: string;
  spans: ReceivedSpan[];
  /** Requests that came, those that were no traces included. */
  requests: { path: string; type: string; body: string }[];
}

/** A collector that takes traces as OTLP/HTTP JSON, keeps them, and answers as `answer` says. */
export function startOtlp(
  answer: () => Response | Promise<Response> = () => Response.json({}),
): OtlpReceiver {
  const spans: ReceivedSpan[] = [];
  const requests: OtlpReceiver["requests"] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const body = await request.text();
      const path = new URL(request.url).pathname;
      requests.push({ path, type: request.headers.get("content-type") ?? "", body });
      if (request.method !== "POST" || path !== "/v1/traces") return new Response("", { status: 404 });
      spans.push(...spansOf(JSON.parse(body) as ExportedTraces));
      return answer();
    },
  });
  const stop = () => void server.stop(true);
  return { endpoint: `http://127.0.0.1:${server.port}`, spans, requests, [Symbol.dispose]: stop };
}

type KeyValues = { key: string; value: Record<string, unknown> }[];

interface ExportedTraces {
  resourceSpans: {
    resource: { attributes: KeyValues };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        traceState?: string;
        name: string;
        kind: number;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        attributes: KeyValues;
        status: { code?: number };
      }[];
    }[];
  }[];
}

function spansOf({ resourceSpans }: ExportedTraces): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map(({ traceId, spanId, parentSpanId, traceState, name, kind, attributes, status, ...times }) => ({
        ...{ traceId, spanId, parentSpanId, traceState, name, kind },
        start: BigInt(times.startTimeUnixNano),
        end: BigInt(times.endTimeUnixNano),
        attributes: valuesOf(attributes),
        status: status.code ?? 0,
        resource: valuesOf(resource.attributes),
      })),
  );
}

/** `{ stringValue: "x" }` is "x". */
const valuesOf = (pairs: KeyValues): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
