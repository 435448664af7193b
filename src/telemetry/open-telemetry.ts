import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Clock } from "../clock.ts";
import { ConfigError } from "../config.ts";
import { SETTINGS } from "../settings.ts";
import type { Stage } from "./stages.ts";
import type { EndedTrace, RequestTrace, TraceStatistics, Tracing } from "./tracing.ts";

const EXPORT_DELAY_MS = 1000;
const EXPORT_TIMEOUT_MS = 5000;
/** Spans that may wait for the collector; past it they are dropped. A request has about ten. */
const WAITING_MAX = 8192;
const BATCH_MAX = 512;
/** More than eight photographs have: whoever makes more stays has a mistake. */
const STAYS_MAX = 128;

/** Clients may invent more, and a span's name should be one of few. */
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

export interface OpenTelemetryOptions {
  /** What `PINHOLE_OTLP_ENDPOINT` says. */
  endpoint: string;
  /** 0..1 of the traces that begin here; where the caller has decided, its decision counts. */
  sampleRatio: number;
  version: string;
  environment: string;
  clock: Clock;
}

interface Stay {
  stage: Stage;
  from: number;
  to: number;
}

/**
 * Traces over OTLP/HTTP (JSON): one server span for each request, and below it one span for each stay at a
 * station. Spans are made from the stage clock's figures when the request has ended, sent in batches, and hold
 * nothing of the client. A collector that is away costs its spans and nothing else.
 */
export class OpenTelemetryTracing implements Tracing {
  readonly #clock: Clock;
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider["getTracer"]>;
  readonly #propagator = new W3CTraceContextPropagator();
  readonly #exporter: CountingExporter;

  /** @throws ConfigError for an endpoint that is no HTTP address */
  constructor(options: OpenTelemetryOptions) {
    const { clock, sampleRatio, version, environment } = options;
    this.#clock = clock;
    const url = tracesUrl(options.endpoint);
    this.#exporter = new CountingExporter(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS }));
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        "service.name": "pinhole",
        "service.version": version,
        "deployment.environment.name": environment,
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
      spanProcessors: [
        new BatchSpanProcessor({
          exporter: this.#exporter,
          maxQueueSize: WAITING_MAX,
          maxExportBatchSize: BATCH_MAX,
          scheduledDelayMillis: EXPORT_DELAY_MS,
          exportTimeoutMillis: EXPORT_TIMEOUT_MS,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer("pinhole", version);
  }

  start(headers: Headers): RequestTrace {
    const parent = this.#propagator.extract(ROOT_CONTEXT, headers, HEADERS);
    const wall = this.#clock.wall();
    const startedAt = this.#clock.now();
    // Named by the route when it is known.
    const span = this.#tracer.startSpan("request", { kind: SpanKind.SERVER, startTime: wall }, parent);
    const { traceId, spanId, traceFlags } = span.spanContext();
    const stays: Stay[] = [];
    const response = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
    if (!span.isRecording()) return { traceId, response, onStay: undefined, end: () => undefined };
    return {
      traceId,
      response,
      onStay: (stage, from, to) => {
        if (span.isRecording() && stays.length < STAYS_MAX) stays.push({ stage, from, to });
      },
      end: (ended) => this.#end(span, ended, stays, (instant) => wall + (instant - startedAt)),
    };
  }

  statistics(): TraceStatistics {
    return { ...this.#exporter.statistics };
  }

  async close(timeoutMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(timeoutMs, resolve);
    await Promise.race([this.#provider.shutdown().catch(() => undefined), late]);
    cancel();
  }

  #end(span: Span, ended: EndedTrace, stays: readonly Stay[], toWall: (instant: number) => number): void {
    const context = trace.setSpan(ROOT_CONTEXT, span);
    for (const { stage, from, to } of stays)
      this.#tracer.startSpan(stage, { startTime: toWall(from) }, context).end(toWall(to));
    const method = METHODS.has(ended.method) ? ended.method : "HTTP";
    span.updateName(`${method} ${ended.route}`);
    span.setAttributes(attributesOf(ended, method));
    // Who is refused is no failure of the server: so say the semantic conventions of HTTP.
    if (ended.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(toWall(this.#clock.now()));
  }
}

/** https://opentelemetry.io/docs/specs/semconv/http/http-spans/, without what names a client. */
function attributesOf(ended: EndedTrace, method: string): Attributes {
  return {
    "http.request.method": method === "HTTP" ? "_OTHER" : method,
    "http.route": ended.route,
    "http.response.status_code": ended.status,
    "pinhole.request_id": ended.requestId,
    ...(ended.code === null ? {} : { "error.type": ended.code }),
    ...(ended.model === null ? {} : { "pinhole.model": ended.model }),
    ...(ended.confidence === null ? {} : { "pinhole.confidence_status": ended.confidence }),
    ...(ended.cached === null ? {} : { "pinhole.cached": ended.cached }),
  };
}

const HEADERS = {
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
  keys: (headers: Headers) => [...headers.keys()],
};

/** Passes spans on and counts what became of them. */
class CountingExporter implements SpanExporter {
  readonly statistics: TraceStatistics = { exported: 0, failed: 0 };
  readonly #exporter: SpanExporter;

  constructor(exporter: SpanExporter) {
    this.#exporter = exporter;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) this.statistics.exported += spans.length;
      else this.statistics.failed += spans.length;
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }
}

/** A collector's base address, or the full one that ends in /v1/traces. @throws ConfigError */
export function tracesUrl(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "")
    throw new ConfigError([
      {
        name: SETTINGS.otlpEndpoint.name,
        expected: "an http or https URL without credentials, such as http://127.0.0.1:4318",
        received: url === null ? JSON.stringify(endpoint) : `one of ${url.protocol}//${url.host}`,
      },
    ]);
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path.endsWith("/v1/traces") ? path : `${path}/v1/traces`}`;
}
