import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningServer, startServer } from "./server.ts";

/** The README's example is run as it stands, and its answer must have the members that the README shows. */
const ROOT = new URL("../..", import.meta.url).pathname;
const readme = () => readFileSync(join(ROOT, "README.md"), "utf8");
let server: RunningServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

/** The first fenced block of this language after this heading. */
function block(heading: string, language: string): string {
  const section = readme().split(`\n## ${heading}\n`)[1] ?? "";
  const found = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(section);
  if (!found) throw new Error(`README.md has no ${language} block under "${heading}"`);
  return found[1]!;
}

/** Names and kinds, as deep as it goes: what two answers to the same question have in common. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shape(member)]));
}

test("the curl example gives the answer that is shown", async () => {
  const script = block("Ask it", "sh").replaceAll("http://127.0.0.1:8080", server.url);
  const curl = Bun.spawn(["sh", "-c", script], { cwd: ROOT, stderr: "inherit" });
  // biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what this test is about
  const answer = JSON.parse(await curl.stdout.text()) as any;
  const shown = JSON.parse(block("Ask it", "json"));
  expect(shape(answer)).toEqual(shape(shown));
  expect(answer.model.name).toBe(shown.model.name);
  expect(answer.predictions[0].class_id).toBe(shown.predictions[0].class_id);
  expect(answer.confidence_status).toBe(shown.confidence_status);
});

test("its two commands stand at the top and are the ones that package.json and CI know", () => {
  const [start, gate] = /```sh\n([\s\S]*?)```/.exec(readme())![1]!.trim().split("\n");
  expect(start).toBe("npx -y bun@1.4.5 start");
  expect(gate).toBe("npx -y bun@1.4.5 run test");
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["start", "test"]));
  expect(readFileSync(join(ROOT, ".ci/run"), "utf8")).toContain(`\n${gate} `);
});

test("every file that it points to is there", async () => {
  const targets = [...readme().matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, target]) => target!);
  expect(targets.length).toBeGreaterThan(2);
  const missing = targets.filter(
    (target) => Bun.spawnSync(["test", "-e", join(ROOT, target)]).exitCode !== 0,
  );
  expect(missing).toEqual([]);
});
