import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { YAML } from "bun";
import { repositoryRoot } from "../run/command.ts";

const DEPLOYED = join(repositoryRoot(), "deploy/prometheus");

interface Rule {
  alert: string;
  expr: string;
  for?: string;
}

interface RuleTests {
  rule_files: string[];
  evaluation_interval: string;
  /** Each begins with the alert's name. */
  tests: { name: string }[];
}

let home: string;
let rules: Rule[];
let ruleTests: RuleTests;

const read = async (file: string) => YAML.parse(await Bun.file(join(DEPLOYED, file)).text());

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pinhole-alerts-"));
  rules = ((await read("alerts.yml")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
    (group) => group.rules,
  );
  ruleTests = (await read("alerts.test.yml")) as RuleTests;
});

afterAll(() => rm(home, { recursive: true, force: true }));

/** Whether the tests of this alert pass for this rule. Every JSON document is a YAML document. */
async function passes(rule: Rule): Promise<boolean> {
  const directory = await mkdtemp(join(home, "rules-"));
  const tests = ruleTests.tests.filter(({ name }) => name.startsWith(`${rule.alert} `));
  expect(tests.length).toBeGreaterThanOrEqual(2);
  await Bun.write(
    join(directory, "alerts.yml"),
    JSON.stringify({ groups: [{ name: "one", rules: [rule] }] }),
  );
  await Bun.write(join(directory, "alerts.test.yml"), JSON.stringify({ ...ruleTests, tests }));
  const promtool = Bun.spawn(["promtool", "test", "rules", "alerts.test.yml"], {
    cwd: directory,
    stdout: "ignore",
    stderr: "ignore",
  });
  return (await promtool.exited) === 0;
}

/** What somebody could get wrong in a rule, and the rules' own tests must notice. */
const MISTAKES: { mistake: string; change: (rule: Rule) => void; applies?: (rule: Rule) => boolean }[] = [
  { mistake: "never fires", change: (rule) => Object.assign(rule, { expr: "vector(0) > 1" }) },
  { mistake: "does not wait", change: (rule) => delete rule.for, applies: (rule) => rule.for !== undefined },
  {
    mistake: "compares the wrong way round",
    change: (rule) =>
      Object.assign(rule, { expr: rule.expr.replaceAll(/[<>]/g, (c) => (c === "<" ? ">" : "<")) }),
    applies: ({ expr }) => /[<>]/.test(expr),
  },
];

test("each alert passes its own tests", async () => {
  const failing: string[] = [];
  for (const rule of rules) if (!(await passes(rule))) failing.push(rule.alert);
  expect(failing).toEqual([]);
});

for (const { mistake, change, applies = () => true } of MISTAKES)
  test(`an alert that ${mistake} is noticed by its tests`, async () => {
    const unnoticed: string[] = [];
    for (const rule of rules.filter(applies)) {
      const changed = { ...rule };
      change(changed);
      if (await passes(changed)) unnoticed.push(rule.alert);
    }
    expect(unnoticed).toEqual([]);
  });
