import { ConfigError } from "../config.ts";
import { type Config, SETTINGS } from "../settings.ts";
import { withoutAddresses } from "./addresses.ts";

/** Where Sentry takes envelopes, and the key that it wants. */
export interface Dsn {
  envelopeUrl: string;
  publicKey: string;
}

/**
 * A Sentry DSN: `{protocol}://{public key}@{host}{path}/{project id}`
 * (https://develop.sentry.dev/sdk/foundations/transport/authentication/).
 * @throws ConfigError
 */
export function parseDsn(dsn: string): Dsn {
  const url = URL.canParse(dsn) ? new URL(dsn) : null;
  const [, path, project] = /^(.*)\/(\d+)$/.exec(url?.pathname ?? "") ?? [];
  if (url === null || !/^https?:$/.test(url.protocol) || url.username === "" || project === undefined)
    throw new ConfigError([
      {
        name: SETTINGS.sentryDsn.name,
        expected: "a DSN such as https://key@host/1",
        received: `a value of ${dsn.length} characters`,
      },
    ]);
  return { envelopeUrl: `${url.origin}${path}/api/${project}/envelope/`, publicKey: url.username };
}

/** What a report says of the process. */
export interface ReportOrigin {
  release: string;
  environment: Config["environment"];
  runtime: { name: string; version: string };
  /** Directory of the program: its own frames are told by their path below it. */
  root: string;
}

/** The only fields of a log line that are reported, as tags. Nothing else of it leaves the machine. */
const TAGS = ["code", "route", "method", "status", "model", "event", "request_id", "trace_id"] as const;
const CAUSES_MAX = 5;
const FRAMES_MAX = 50;
const TEXT_MAX = 2000;

/**
 * A Sentry event of one line of the stream error
 * (https://develop.sentry.dev/sdk/foundations/transport/event-payloads/). It is built from named fields alone,
 * so that no address, header, body or client can be in it; addresses inside of texts are taken out.
 * @param at ms since the epoch
 * @param fields of the line; `err` is the error
 */
export function errorEvent(
  id: string,
  at: number,
  fields: Record<string, unknown>,
  message: string,
  origin: ReportOrigin,
) {
  const tags = Object.fromEntries(
    TAGS.flatMap((name) => {
      const value = fields[name];
      return typeof value === "string" || typeof value === "number" ? [[name, text(String(value), 200)]] : [];
    }),
  );
  const causes = causesOf(fields.err);
  return {
    event_id: id,
    timestamp: at / 1000,
    // With another platform Sentry would guess the user's address from the connection.
    platform: "node",
    level: "error",
    logger: "pinhole",
    release: origin.release,
    environment: origin.environment,
    message: { formatted: text(message, TEXT_MAX) },
    tags,
    contexts: { runtime: origin.runtime },
    ...(causes.length === 0
      ? {}
      : { exception: { values: causes.map((error) => exception(error, origin.root)).reverse() } }),
  };
}

export type ErrorEvent = ReturnType<typeof errorEvent>;

/** The error and what caused it, outermost first. */
function causesOf(thrown: unknown): Error[] {
  const causes: Error[] = [];
  for (let error = thrown; error instanceof Error && causes.length < CAUSES_MAX; error = error.cause)
    causes.push(error);
  return causes;
}

function exception(error: Error, root: string) {
  const frames = framesOf(error.stack ?? "", root);
  return {
    type: error.name,
    value: text(error.message, TEXT_MAX),
    ...(frames.length === 0 ? {} : { stacktrace: { frames } }),
    mechanism: { type: "generic", handled: true },
  };
}

/** Frames of a V8-style stack, oldest first as Sentry wants them. */
function framesOf(stack: string, root: string) {
  const frames = [];
  for (const line of stack.split("\n")) {
    const match = /^\s+at (?:(.*?) \()?([^()]+?):(\d+)(?::(\d+))?\)?$/.exec(line);
    if (match === null || frames.length === FRAMES_MAX) continue;
    const [, name, path, row, column] = match;
    const own = path!.startsWith(root) && !path!.includes("/node_modules/");
    frames.push({
      function: name ?? "?",
      filename: path!.startsWith(root) ? path!.slice(root.length) : path!,
      lineno: Number(row),
      ...(column === undefined ? {} : { colno: Number(column) }),
      in_app: own,
    });
  }
  return frames.reverse();
}

const text = (value: string, maxLength: number): string => withoutAddresses(value).slice(0, maxLength);
