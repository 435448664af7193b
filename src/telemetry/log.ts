import pino, { type DestinationStream, type Logger, type LoggerOptions } from "pino";
import { SETTINGS } from "../settings.ts";
import { withoutAddresses } from "./addresses.ts";
import { LineLog } from "./line-log.ts";

export type { Logger } from "pino";

/** The kinds of line, told apart by `stream` in each of them, and by file where there are files. */
export const LOG_STREAMS = ["server", "error", "access", "inference", "slow_request"] as const;
export type LogStream = (typeof LOG_STREAMS)[number];

export const LOG_LEVELS = SETTINGS.logLevel.choices;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Names under which nothing is shown, three levels deep: credentials, and whatever tells where a client is. */
const HIDDEN = [
  ...["authorization", "proxy-authorization", "cookie", "set-cookie", "token", "operator_token"],
  ...["password", "secret", "dsn", "headers", "forwarded", "x-forwarded-for", "x-real-ip"],
  ...["address", "remote_address", "peer", "ip", "client_key", "clientKey"],
];
const ERROR_LEVEL = 50;

export interface LogsOptions {
  level: LogLevel;
  /** Which of several processes this is: `process` in each line. */
  writer?: string | null;
  /** Where the lines of a stream go, each with its newline. */
  destination(stream: LogStream): DestinationStream;
  /** Told of every line of the stream error, before it is written; must not throw. */
  onError?(fields: Record<string, unknown>, message: string): void;
  /** Writes what waits and gives files back. */
  close?(): Promise<void>;
  flushSync?(): void;
  /** Lines that could not be written so far. */
  lost?(): number;
}

/**
 * The logs of the process, one logger for each kind of line and one level for all of them. A line is one JSON
 * object; none holds a client's address (only its HMAC), a credential, a header or image bytes.
 */
export class Logs {
  /** What the server does and what befalls it; lines at level error are the stream error. */
  readonly server: Logger;
  /** One line for each request (info). */
  readonly access: LineLog;
  /** One line for each answered prediction (info). */
  readonly inference: LineLog;
  /** One line for each request that took long (warn). */
  readonly slowRequest: Logger;
  /** The level that the settings name. */
  readonly configuredLevel: LogLevel;
  readonly #options: LogsOptions;

  constructor(options: LogsOptions) {
    const { level, writer = null, destination, onError } = options;
    const base = { service: "pinhole", ...(writer === null ? {} : { process: writer }) };
    this.#options = options;
    this.configuredLevel = level;
    const line = (stream: LogStream) => new LineLog(level, { ...base, stream }, destination(stream));
    this.access = line("access");
    this.inference = line("inference");
    this.slowRequest = pino(
      { ...FORMAT, level, base: { ...base, stream: "slow_request" } },
      destination("slow_request"),
    );
    const streams = [
      { level: 0, stream: destination("server") },
      { level: ERROR_LEVEL, stream: destination("error") },
    ];
    this.server = pino(
      {
        ...FORMAT,
        level,
        base,
        mixin: (_fields, lineLevel) => ({ stream: lineLevel >= ERROR_LEVEL ? "error" : "server" }),
        serializers: { err: errorFields, cause: (cause) => withoutAddresses(String(cause)) },
        redact: { paths: HIDDEN.flatMap(pathsOf), censor: "(hidden)" },
        hooks: {
          logMethod(args, method, lineLevel) {
            if (onError && lineLevel >= ERROR_LEVEL) onError(...fieldsAndMessage(args));
            method.apply(this, args);
          },
        },
      },
      pino.multistream(streams, { dedupe: true }),
    );
  }

  get level(): LogLevel {
    return this.server.level as LogLevel;
  }

  /** Takes effect with the next line. At "silent" nothing is written, and nothing reported either. */
  set level(level: LogLevel) {
    for (const logger of [this.server, this.access, this.inference, this.slowRequest]) logger.level = level;
  }

  /** To debug, and from there back to the level of the settings. */
  toggleDebug(): void {
    this.level = this.level === "debug" ? this.configuredLevel : "debug";
  }

  get lost(): number {
    return this.#options.lost?.() ?? 0;
  }

  /** Resolves when every line so far is written or lost. A later line is still taken. */
  async close(): Promise<void> {
    await this.#options.close?.();
  }

  /** For a process that ends at once. */
  flushSync(): void {
    this.#options.flushSync?.();
  }
}

const FORMAT: LoggerOptions = {
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
};

/** What is shown of an error: none of the properties that libraries hang onto theirs. */
function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return withoutAddresses(String(error));
  const { type, message, stack } = pino.stdSerializers.err(error);
  const { code } = error as { code?: unknown };
  return {
    type,
    message: withoutAddresses(message),
    ...(stack === undefined ? {} : { stack: withoutAddresses(stack) }),
    ...(typeof code === "string" ? { code } : {}),
  };
}

function pathsOf(name: string): string[] {
  const key = /^\w+$/.test(name) ? name : `["${name}"]`;
  const dot = key === name ? "." : "";
  return [key, `*${dot}${key}`, `*.*${dot}${key}`];
}

/** A call's arguments as pino takes them: fields and message, or a message alone. */
function fieldsAndMessage(args: unknown[]): [Record<string, unknown>, string] {
  const [first, second] = args;
  if (first instanceof Error) return [{ err: first }, typeof second === "string" ? second : first.message];
  if (typeof first === "object" && first !== null)
    return [first as Record<string, unknown>, typeof second === "string" ? second : ""];
  return [{}, String(first)];
}
