import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { type Config, SETTINGS, type Setting, type SettingKey } from "./settings.ts";

/** One thing wrong with the settings. */
export interface SettingMistake {
  name: string;
  expected: string;
  received: string;
}

/** All mistakes of the settings together; the process must not start. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly mistakes: readonly SettingMistake[];

  constructor(mistakes: readonly SettingMistake[]) {
    const lines = mistakes.map((m) => `  ${m.name}: expected ${m.expected}, got ${m.received}`);
    super(`${mistakes.length} setting(s) wrong:\n${lines.join("\n")}`);
    this.mistakes = mistakes;
  }
}

type Environment = Record<string, string | undefined>;

const entries = Object.entries(SETTINGS) as [SettingKey, Setting][];

/**
 * Reads all settings: the process environment first, then `.env.<PINHOLE_ENVIRONMENT>`, then `.env` in
 * `directory`. An empty value counts as not set.
 * @throws ConfigError with every mistake: values out of bounds, unknown `PINHOLE_*` names.
 */
export function loadConfig(env: Environment = process.env, directory: string = process.cwd()): Config {
  const merged = withFiles(env, directory);
  const mistakes: SettingMistake[] = unknownNames(merged);
  const values: Partial<Record<SettingKey, unknown>> = {};
  for (const [key, setting] of entries) {
    const raw = merged[setting.name];
    values[key] = raw === undefined || raw === "" ? setting.default : parse(setting, raw, mistakes);
  }
  const config = values as Config;
  if (mistakes.length === 0) mistakes.push(...contradictions(config));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return config;
}

/** What started this process and wants to be told how it is: systemd, for a unit of Type=notify. */
export interface ServiceManager {
  /** Address of its datagram socket. */
  socket: string;
  /** It ends a process that gives no sign of life for so long; null: it does not watch. */
  watchdogMs: number | null;
}

/** Null where there is none. A watchdog for another process than `pid` is not ours to feed. */
export function readServiceManager(
  env: Environment = process.env,
  pid: number = process.pid,
): ServiceManager | null {
  const socket = env.NOTIFY_SOCKET;
  if (socket === undefined || socket === "") return null;
  const micros = Number(env.WATCHDOG_USEC);
  const isOurs = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(pid);
  return { socket, watchdogMs: isOurs && Number.isSafeInteger(micros) && micros > 0 ? micros / 1000 : null };
}

/** One variable by a name that the caller gives, for commands that are told where a secret lies; null: not set. */
export function environmentSecret(name: string, env: Environment = process.env): string | null {
  return env[name] || null;
}

/** Where commands keep what they can make again, https://specifications.freedesktop.org/basedir-spec/latest/. */
export function cacheFolder(env: Environment = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pinhole");
}

/** Whether ONNX Runtime's library, which reads the environment itself, was told to report to nobody. */
export function isReportingForbidden(env: Environment = process.env): boolean {
  return !["", "0", "false", undefined].includes(env.ORT_DISABLE_TELEMETRY?.toLowerCase());
}

/** Every setting as `NAME=value`, one a line, secrets hidden: what is printed at start. */
export function describeConfig(config: Config): string {
  return entries
    .map(([key, setting]) => {
      const value = config[key];
      const shown = setting.secret ? (value === "" ? "" : "(hidden)") : String(value);
      const changed = String(value) === String(setting.default) ? "" : "  (set)";
      return `  ${setting.name}=${shown}${changed}`;
    })
    .join("\n");
}

/** What values a setting takes, in words: for mistakes and for the README's table. */
export function allowedValues(setting: Setting): string {
  switch (setting.type) {
    case "integer":
      return `a whole number ${setting.min} to ${setting.max}`;
    case "number":
      return `a number ${setting.min} to ${setting.max}`;
    case "boolean":
      return "true or false";
    case "choice":
      return setting.choices.join(", ");
    case "list":
      return setting.choices
        ? `a comma-separated list of ${setting.choices.join(", ")}`
        : "a comma-separated list";
    case "text": {
      const { minLength = 0, pattern } = setting;
      const length = minLength > 1 ? ` of at least ${minLength} characters` : "";
      return `text${length}${pattern ? `: ${pattern.words}` : ""}`;
    }
  }
}

function withFiles(env: Environment, directory: string): Environment {
  const base = readEnvFile(join(directory, ".env"));
  const environment = env.PINHOLE_ENVIRONMENT || base.PINHOLE_ENVIRONMENT || SETTINGS.environment.default;
  const specific = /^[a-z]+$/.test(environment) ? readEnvFile(join(directory, `.env.${environment}`)) : {};
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ""),
  );
  return { ...base, ...specific, ...set };
}

function readEnvFile(path: string): Environment {
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}

function unknownNames(env: Environment): SettingMistake[] {
  const known = entries.map(([, setting]) => setting.name);
  return Object.keys(env)
    .filter((name) => name.startsWith("PINHOLE_") && !known.includes(name))
    .sort()
    .map((name) => ({
      name,
      expected: `a known setting (did you mean ${nearest(name, known)}?)`,
      received: "an unknown name",
    }));
}

function parse(setting: Setting, raw: string, mistakes: SettingMistake[]): unknown {
  const text = raw.trim();
  const refuse = () => {
    mistakes.push({
      name: setting.name,
      expected: allowedValues(setting),
      received: setting.secret ? `a value of ${text.length} characters` : JSON.stringify(raw),
    });
    return setting.default;
  };
  switch (setting.type) {
    case "integer":
    case "number": {
      const pattern = setting.type === "integer" ? /^-?\d+$/ : /^-?\d+(\.\d+)?$/;
      const value = Number(text);
      return pattern.test(text) && value >= setting.min && value <= setting.max ? value : refuse();
    }
    case "boolean": {
      const lower = text.toLowerCase();
      if (lower === "true" || lower === "1") return true;
      return lower === "false" || lower === "0" ? false : refuse();
    }
    case "choice":
      return setting.choices.includes(text) ? text : refuse();
    case "list": {
      const items = [...new Set(text.split(",").map((item) => item.trim()))].filter((item) => item !== "");
      const { choices, minItems = 0 } = setting;
      return items.length >= minItems && (!choices || items.every((item) => choices.includes(item)))
        ? items
        : refuse();
    }
    case "text": {
      const { minLength = 0, maxLength = 4096, pattern } = setting;
      const fits = text.length >= minLength && text.length <= maxLength && (pattern?.test.test(text) ?? true);
      return fits ? text : refuse();
    }
  }
}

function contradictions(config: Config): SettingMistake[] {
  const mistakes: SettingMistake[] = [];
  if (config.imageMaxBytes > config.requestMaxBytes)
    mistakes.push({
      name: SETTINGS.imageMaxBytes.name,
      expected: `at most ${SETTINGS.requestMaxBytes.name} (${config.requestMaxBytes})`,
      received: String(config.imageMaxBytes),
    });
  if (config.requestMaxBytes > config.queueMaxBytes)
    mistakes.push({
      name: SETTINGS.requestMaxBytes.name,
      expected: `at most ${SETTINGS.queueMaxBytes.name} (${config.queueMaxBytes})`,
      received: String(config.requestMaxBytes),
    });
  if (config.memorySoftShare > config.memoryHardShare)
    mistakes.push({
      name: SETTINGS.memorySoftShare.name,
      expected: `at most ${SETTINGS.memoryHardShare.name} (${config.memoryHardShare})`,
      received: String(config.memorySoftShare),
    });
  if (config.processes > 1 && config.port === 0)
    mistakes.push({
      name: SETTINGS.port.name,
      expected: `a port that ${SETTINGS.processes.name} (${config.processes}) processes can share`,
      received: "0",
    });
  return mistakes;
}

/** The known name with the fewest single-character edits (Levenshtein 1966). */
function nearest(name: string, known: readonly string[]): string {
  const distance = (a: string, b: string): number => {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; i++) {
      const next = [i];
      for (let j = 1; j <= b.length; j++) {
        const replace = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
        next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1));
      }
      row = next;
    }
    return row[b.length]!;
  };
  return [...known].sort((a, b) => distance(name, a) - distance(name, b))[0]!;
}
