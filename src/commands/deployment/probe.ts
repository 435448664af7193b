import { CheckFailed } from "./finding.ts";

export interface ProbeOptions {
  /** Where the deployment answers, without a trailing slash. */
  url: string;
  /** Certificates are not verified. */
  insecure: boolean;
  timeoutMs: number;
  /** Most time that is waited in all because the deployment said `Retry-After`. */
  patienceMs: number;
  operatorToken: string | null;
  sleep(ms: number): Promise<void>;
  /** Told of every wait. */
  onWait(seconds: number, status: number): void;
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  /** Parsed body, or null where it is no JSON. */
  json: Json;
  /** From sending to the last byte of the answer. */
  ms: number;
}

/** What came over the wire: nothing is known of it. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface AskOptions extends RequestInit {
  /** A 429 or 503 is an answer like any other: it is neither waited for nor asked again. */
  asIs?: boolean;
}

/** One deployment, asked as a client would ask it: patient when it says when to come back, never otherwise. */
export class Probe {
  readonly options: ProbeOptions;
  #patienceMs: number;

  constructor(options: ProbeOptions) {
    this.options = options;
    this.#patienceMs = options.patienceMs;
  }

  get url(): URL {
    return new URL(this.options.url);
  }

  /** @throws CheckFailed where there is no answer at all */
  async ask(path: string, { asIs = false, ...init }: AskOptions = {}): Promise<Reply> {
    for (;;) {
      const reply = await this.#once(path, init);
      const seconds = Number(reply.headers.get("retry-after") ?? Number.NaN);
      const waits = (reply.status === 429 || reply.status === 503) && Number.isFinite(seconds);
      if (asIs || !waits || seconds * 1000 > this.#patienceMs) return reply;
      await this.wait(seconds, reply.status);
    }
  }

  /** Waits as long as the deployment said. */
  async wait(seconds: number, status: number): Promise<void> {
    this.#patienceMs -= Math.max(1, seconds) * 1000;
    this.options.onWait(seconds, status);
    await this.options.sleep(seconds * 1000);
  }

  predict(
    body: Bun.BodyInit,
    contentType: string | null,
    { headers = {}, ...options }: AskOptions & { headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const type: Record<string, string> = contentType === null ? {} : { "Content-Type": contentType };
    const all = { ...type, ...headers };
    return this.ask("/api/v1/predict", { method: "POST", body, ...options, headers: all });
  }

  async #once(path: string, init: RequestInit): Promise<Reply> {
    const startedAt = performance.now();
    try {
      const response = await fetch(`${this.options.url}${path}`, {
        ...init,
        redirect: "manual",
        signal: AbortSignal.timeout(this.options.timeoutMs),
        tls: { rejectUnauthorized: !this.options.insecure },
      });
      const text = await response.text();
      const ms = performance.now() - startedAt;
      return { status: response.status, headers: response.headers, text, json: parse(text), ms };
    } catch (thrown) {
      throw new CheckFailed(`${init.method ?? "GET"} ${path}: no answer (${(thrown as Error).message})`);
    }
  }
}

/** A member, however deep; undefined where there is none. */
export function member(json: Json | undefined, ...names: string[]): Json | undefined {
  let at = json;
  for (const name of names) {
    if (at === null || at === undefined || typeof at !== "object" || Array.isArray(at)) return undefined;
    at = at[name];
  }
  return at;
}

/** The catalogue code of a problem document, or null where the answer is none. */
export function problemCode({ headers, json }: Reply): string | null {
  if (!headers.get("content-type")?.startsWith("application/problem+json")) return null;
  const code = member(json, "error");
  return typeof code === "string" ? code : null;
}

/** What an answer was, in a few words for a report. */
export function described(reply: Reply): string {
  return `${reply.status}${problemCode(reply) === null ? "" : ` ${problemCode(reply)}`}`;
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
