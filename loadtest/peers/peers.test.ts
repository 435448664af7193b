import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { withSection } from "../readme-section.ts";
import { PEERS } from "./peers.ts";

test("every peer has a server to start and settings that differ", () => {
  for (const { name, argv, settings } of PEERS) {
    const module = argv(8080).flatMap((word) => /^(\w+)(\.py|:\w+)$/.exec(word)?.[1] ?? []);
    expect(module, name).toHaveLength(1);
    expect(existsSync(new URL(`servers/${module[0]}.py`, import.meta.url).pathname), name).toBe(true);
    expect(new Set(settings.map(({ label }) => label)).size, name).toBe(settings.length);
    expect(new Set(settings.map(({ env }) => JSON.stringify(env))).size, name).toBe(settings.length);
  }
});

test("every package is pinned", async () => {
  const text = await Bun.file(new URL("requirements.txt", import.meta.url)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines.length).toBeGreaterThan(20);
  for (const line of lines) expect(line).toMatch(/^[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*$/);
});

test("the README has a place for every peer's settings", async () => {
  const readme = await Bun.file(new URL("README.md", import.meta.url)).text();
  for (const { name } of PEERS) expect(withSection(readme, name, "here")).toContain("here");
});
