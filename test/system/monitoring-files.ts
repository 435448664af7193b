import { join } from "node:path";
import { YAML } from "bun";
import { repositoryRoot } from "../run/command.ts";

export interface AlertRule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface Panel {
  id: number;
  title: string;
  type: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { expr: string; legendFormat: string }[];
}

export interface Board {
  panels: Panel[];
  annotations: { list: { expr?: string }[] };
  templating: { list: { name: string; definition?: string }[] };
}

const deployed = (path: string) => Bun.file(join(repositoryRoot(), "deploy", path)).text();

export async function alertRules(): Promise<AlertRule[]> {
  const file = YAML.parse(await deployed("prometheus/alerts.yml")) as { groups: { rules: AlertRule[] }[] };
  return file.groups.flatMap(({ rules }) => rules);
}

export async function board(): Promise<Board> {
  return JSON.parse(await deployed("grafana/dashboards/pinhole.json"));
}

/** Every query of the board, by the title of its panel. */
export function boardQueries({ panels, annotations }: Board): { from: string; expr: string }[] {
  const ofPanels = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ from: title, expr })),
  );
  const ofAnnotations = annotations.list.flatMap(({ expr }) => (expr ? { from: "annotation", expr } : []));
  return [...ofPanels, ...ofAnnotations];
}
