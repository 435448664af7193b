import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ConfigError,
  describeConfig,
  isReportingForbidden,
  loadConfig,
  readServiceManager,
} from "./config.ts";
import { SETTINGS } from "./settings.ts";

const directory = mkdtempSync(join(tmpdir(), "pinhole-config-"));
const empty = mkdtempSync(join(tmpdir(), "pinhole-config-"));
afterAll(() => {
  rmSync(directory, { recursive: true });
  rmSync(empty, { recursive: true });
});

function mistakesOf(env: Record<string, string>): string[] {
  try {
    loadConfig(env, empty);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.mistakes.map((m) => `${m.name}: ${m.expected} / ${m.received}`);
    throw error;
  }
  return [];
}

describe("settings", () => {
  test("every default is what an empty environment gives", () => {
    const config = loadConfig({}, empty);
    for (const [key, setting] of Object.entries(SETTINGS))
      expect(config[key as keyof typeof config] as unknown).toEqual(setting.default);
  });

  test("reads each type", () => {
    const config = loadConfig(
      {
        PORT: "0",
        PINHOLE_CACHE_ENABLED: "0",
        PINHOLE_IMAGE_TYPES: "png, jpeg",
        PINHOLE_ENVIRONMENT: "staging",
      },
      empty,
    );
    expect(config.port).toBe(0);
    expect(config.cacheEnabled).toBe(false);
    expect(config.imageTypes).toEqual(["png", "jpeg"]);
    expect(config.environment).toBe("staging");
  });

  test("reports all mistakes together, each with what is allowed and what came", () => {
    expect(
      mistakesOf({
        PORT: "80a",
        PINHOLE_WORKER_COUNT: "-1",
        PINHOLE_CACHE_ENABLED: "maybe",
        PINHOLE_IMAGE_TYPES: "jpeg,tiff",
        PINHOLE_ENVIRONMENT: "test",
        PINHOLE_RATE_LIMIT_REQUEST: "3",
      }),
    ).toEqual([
      "PINHOLE_RATE_LIMIT_REQUEST: a known setting (did you mean PINHOLE_RATE_LIMIT_REQUESTS?) / an unknown name",
      'PORT: a whole number 0 to 65535 / "80a"',
      'PINHOLE_ENVIRONMENT: development, staging, production / "test"',
      'PINHOLE_WORKER_COUNT: a whole number 0 to 256 / "-1"',
      'PINHOLE_IMAGE_TYPES: a comma-separated list of jpeg, png, webp, gif / "jpeg,tiff"',
      'PINHOLE_CACHE_ENABLED: true or false / "maybe"',
    ]);
  });

  test("a secret is neither echoed when wrong nor printed when right", () => {
    expect(mistakesOf({ PINHOLE_OPERATOR_TOKEN: "short-secret" }).join()).not.toContain("short-secret");
    expect(mistakesOf({ PINHOLE_OPERATOR_TOKEN: "a token with spaces, which no header can carry" })).toEqual([
      "PINHOLE_OPERATOR_TOKEN: text of at least 32 characters: letters, digits, - . _ ~ + / and = at the end / a value of 46 characters",
    ]);
    const token = "t0ken-".repeat(8);
    const text = describeConfig(loadConfig({ PINHOLE_OPERATOR_TOKEN: token }, empty));
    expect(text).toContain("PINHOLE_OPERATOR_TOKEN=(hidden)");
    expect(text).not.toContain(token);
  });

  test("limits that contradict each other are refused", () => {
    expect(mistakesOf({ PINHOLE_IMAGE_MAX_BYTES: "50000000", PINHOLE_REQUEST_MAX_BYTES: "2000000" })).toEqual(
      ["PINHOLE_IMAGE_MAX_BYTES: at most PINHOLE_REQUEST_MAX_BYTES (2000000) / 50000000"],
    );
  });

  test("files: the environment wins over .env.<environment>, which wins over .env", () => {
    writeFileSync(
      join(directory, ".env"),
      "PINHOLE_ENVIRONMENT=staging\nPORT=1001\nPINHOLE_QUEUE_CAPACITY=11\n",
    );
    writeFileSync(join(directory, ".env.staging"), "PORT=1002\nPINHOLE_DEADLINE_MS=1234\n");
    writeFileSync(join(directory, ".env.production"), "PORT=1003\n");
    const config = loadConfig({ PINHOLE_DEADLINE_MS: "5000" }, directory);
    expect([config.environment, config.port, config.queueCapacity, config.deadlineMs]).toEqual([
      "staging",
      1002,
      11,
      5000,
    ]);
    expect(loadConfig({ PINHOLE_ENVIRONMENT: "production" }, directory).port).toBe(1003);
  });

  test("an unknown name in a file is refused, too", () => {
    writeFileSync(join(directory, ".env.production"), "PINHOLE_PROT=1\n");
    expect(() => loadConfig({ PINHOLE_ENVIRONMENT: "production" }, directory)).toThrow("PINHOLE_PROT");
  });
});

describe("the service manager", () => {
  const socket = "/run/systemd/notify";

  test.each([
    ["nobody", {}, null],
    ["a unit without a watchdog", { NOTIFY_SOCKET: socket }, { socket, watchdogMs: null }],
    ["a watchdog", { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "30000000" }, { socket, watchdogMs: 30_000 }],
    [
      "a watchdog for this process",
      { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1500", WATCHDOG_PID: "7" },
      { socket, watchdogMs: 1.5 },
    ],
    [
      "a watchdog for another process",
      { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "1500", WATCHDOG_PID: "8" },
      { socket, watchdogMs: null },
    ],
    [
      "a watchdog that makes no sense",
      { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "x" },
      { socket, watchdogMs: null },
    ],
  ])("%s", (_, env, expected) => {
    expect(readServiceManager(env, 7)).toEqual(expected);
  });
});

test.each([
  ["1", true],
  ["true", true],
  ["0", false],
  ["", false],
  [undefined, false],
])("ORT_DISABLE_TELEMETRY=%p forbids reporting: %p", (value, expected) => {
  expect(isReportingForbidden({ ORT_DISABLE_TELEMETRY: value })).toBe(expected);
});
