import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { Config } from "../settings.ts";
import { LOG_STREAMS, Logs, type LogsOptions } from "./log.ts";
import { prettyLine } from "./pretty-line.ts";
import { RotatingFile } from "./rotating-file.ts";
import { standardOutput } from "./stdout.ts";

const HOUR_MS = 3_600_000;

type LogSettings = Pick<
  Config,
  | "logLevel"
  | "logFormat"
  | "logDir"
  | "logFileMaxBytes"
  | "logFileMaxAgeHours"
  | "logFilesKept"
  | "environment"
>;

/** The logs as the settings want them: on stdout, or in one rotated file for each stream. */
export function openLogs(
  config: LogSettings,
  options: {
    clock: Clock;
    /** Which of several processes writes: stands in each line and in the names of files, which are its own. */
    writer?: string | null;
    onError?: LogsOptions["onError"];
    /** Told, on another way than the log, that the log cannot be written. */
    onTrouble(error: unknown): void;
  },
): Logs {
  const { clock, writer = null, onError, onTrouble } = options;
  const common = { level: config.logLevel, writer, ...(onError === undefined ? {} : { onError }) };
  if (config.logDir === "") {
    const stdout = standardOutput(onTrouble);
    const colors = process.stdout.isTTY;
    const pretty =
      config.logFormat === "pretty" ||
      (config.logFormat === "auto" && config.environment === "development" && colors);
    const destination = pretty ? { write: (line: string) => stdout.write(prettyLine(line, colors)) } : stdout;
    return new Logs({
      ...common,
      destination: () => destination,
      close: () => stdout.flush(),
      flushSync: () => stdout.flushSync(),
      lost: () => stdout.lost,
    });
  }
  const files = new Map(
    LOG_STREAMS.map((stream) => {
      const file = new RotatingFile({
        path: join(
          config.logDir,
          `${[stream.replace("_", "-"), ...(writer === null ? [] : [writer])].join(".")}.log`,
        ),
        maxBytes: config.logFileMaxBytes,
        maxAgeMs: config.logFileMaxAgeHours * HOUR_MS,
        kept: config.logFilesKept,
        clock,
        onTrouble,
      });
      return [stream, file];
    }),
  );
  const all = [...files.values()];
  return new Logs({
    ...common,
    destination: (stream) => files.get(stream)!,
    close: async () => void (await Promise.all(all.map((file) => file.close()))),
    flushSync: () => all.forEach((file) => void file.flushSync()),
    lost: () => all.reduce((sum, file) => sum + file.lost, 0),
  });
}
