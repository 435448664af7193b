import { expect, test } from "bun:test";
import { join } from "node:path";
import { repositoryRoot } from "./run/command.ts";
import { alertRules, board } from "./system/monitoring-files.ts";

/** The anchor that a heading gets where Markdown is shown. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

async function operationsAnchors(): Promise<Set<string>> {
  const anchors = new Set<string>();
  for await (const path of new Bun.Glob("docs/operations*.md").scan({
    cwd: repositoryRoot(),
    absolute: true,
  }))
    for (const [, heading] of (await Bun.file(path).text()).matchAll(/^#+ (.+)$/gm))
      anchors.add(anchorOf(heading!));
  return anchors;
}

test("every alert says how bad it is, what it is, and where its section in the operations guide is", async () => {
  const rules = await alertRules();
  expect(rules.length).toBeGreaterThan(10);
  const anchors = await operationsAnchors();
  for (const { alert, labels, annotations } of rules) {
    expect(["critical", "warning"]).toContain(labels.severity!);
    expect(Object.keys(annotations).sort()).toEqual(["description", "runbook_url", "summary"]);
    expect(annotations.runbook_url).toBe(`docs/operations.md#alert-${alert.toLowerCase()}`);
    expect([alert, anchors.has(`alert-${alert.toLowerCase()}`)]).toEqual([alert, true]);
  }
});

test("the operations guide has no section of an alert that is no more", async () => {
  const known = new Set((await alertRules()).map(({ alert }) => `alert-${alert.toLowerCase()}`));
  const told = [...(await operationsAnchors())].filter((anchor) => anchor.startsWith("alert-pinhole"));
  expect(told.filter((anchor) => !known.has(anchor))).toEqual([]);
});

test("every alert has a test that it fires and one that it stays silent", async () => {
  const tests = await Bun.file(join(repositoryRoot(), "deploy/prometheus/alerts.test.yml")).text();
  for (const { alert } of await alertRules()) {
    expect(tests).toContain(`name: "${alert} fires: `);
    expect(tests).toContain(`name: "${alert} stays silent: `);
  }
});

test("the board's panels have an id of their own, their data from the chosen source, and do not overlap", async () => {
  const { panels } = await board();
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Set<string>();
  for (const { title, type, gridPos, datasource, targets } of panels) {
    expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect([title, taken.has(`${x},${y}`)]).toEqual([title, false]);
        taken.add(`${x},${y}`);
      }
    if (type === "row") continue;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
    expect([title, datasource?.uid]).toEqual([title, "${datasource}"]);
    expect([title, targets!.length > 0]).toEqual([title, true]);
  }
});

test("an alert that a panel names is one that there is", async () => {
  const names = new Set((await alertRules()).map(({ alert }) => alert));
  const told = [...JSON.stringify(await board()).matchAll(/\bPinhole[A-Z]\w+/g)].map(([name]) => name);
  expect(told.length).toBeGreaterThan(8);
  expect(told.filter((name) => !names.has(name))).toEqual([]);
});
