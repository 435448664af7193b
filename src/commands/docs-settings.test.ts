import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { loadConfig } from "../config.ts";
import { SETTINGS } from "../settings.ts";
import { envExample, settingsDocuments, withSettingsTable } from "./docs-settings.ts";

const root = new URL("../..", import.meta.url).pathname;
const MARKED =
  "# T\n<!-- settings: written by `bun run docs:settings` -->\nstale-table\n<!-- settings: end -->\nrest\n";

describe("the settings in documents", () => {
  test("README.md and .env.example say what src/settings.ts says", async () => {
    const stale = (await settingsDocuments(root)).filter(({ now, wanted }) => now !== wanted);
    expect(stale.map(({ path }) => path)).toEqual([]);
  });

  test("the table replaces what stood between the markers and nothing else", () => {
    const text = withSettingsTable(MARKED);
    expect(text).toStartWith("# T\n");
    expect(text).toEndWith("<!-- settings: end -->\nrest\n");
    expect(text).not.toContain("stale-table");
    for (const { name, meaning } of Object.values(SETTINGS)) {
      expect(text).toContain(`| \`${name}\` |`);
      expect(text).toContain(meaning);
    }
    expect(withSettingsTable(text)).toBe(text);
  });

  test("a document without markers is refused", () => {
    expect(() => withSettingsTable("# T\n")).toThrow("no place for the settings");
  });

  test("the example changes nothing as it is, and sets the defaults when every # is taken off", () => {
    expect(parseEnv(envExample())).toEqual({});
    const uncommented = parseEnv(envExample().replace(/^#(?=[A-Z][A-Z0-9_]*=)/gm, ""));
    expect(Object.keys(uncommented)).toHaveLength(Object.keys(SETTINGS).length);
    expect(loadConfig(uncommented, "/nonexistent")).toEqual(loadConfig({}, "/nonexistent"));
  });
});

describe("the templates of the environments", () => {
  test.each(["development", "staging", "production"])(
    ".env.%s holds good settings and no secret",
    (environment) => {
      const values = parseEnv(readFileSync(join(root, `.env.${environment}`), "utf8"));
      expect(loadConfig({ ...values, PINHOLE_ENVIRONMENT: environment }, "/nonexistent").environment).toBe(
        environment as never,
      );
      const secrets = Object.values(SETTINGS).filter((setting) => "secret" in setting && setting.secret);
      expect(secrets.map(({ name }) => values[name]).filter(Boolean)).toEqual([]);
    },
  );
});
