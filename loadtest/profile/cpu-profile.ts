/** A `.cpuprofile`, as Bun and V8 write it. */
export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
}

export interface Share {
  name: string;
  /** Share of all samples in which it or something that it called ran, and in which it ran itself. */
  total: number;
  self: number;
}

/** Until then all is being loaded and compiled. */
const SKIPPED = 0.4;
const SHOWN = 60;

/** Functions by the share of samples that they are in, the largest first. Waiting is left out. */
export function mainThreadShares(profile: CpuProfile, root: string): Share[] {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id);
  const [total, self] = [new Map<string, number>(), new Map<string, number>()];
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  let samples = 0;
  for (const sample of profile.samples.slice(profile.samples.length * SKIPPED)) {
    const stack: string[] = [];
    for (let id: number | undefined = sample; id !== undefined; id = parents.get(id))
      stack.push(nameOf(nodes.get(id)!.callFrame, root));
    // Below the root without a name: nothing of ours runs.
    if (stack.length <= 2 && stack[0]!.startsWith("(anonymous)")) continue;
    samples++;
    count(self, stack[0]!);
    for (const name of new Set(stack)) count(total, name);
  }
  return [...total]
    .filter(([name]) => !name.startsWith("(root)"))
    .sort(([, a], [, b]) => b - a)
    .slice(0, SHOWN)
    .map(([name, times]) => ({ name, total: times / samples, self: (self.get(name) ?? 0) / samples }));
}

function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"], root: string) {
  const file = url.replace(`file://${root}`, "").replace(/^.*node_modules\//, "");
  return `${functionName || "(anonymous)"}${file === "" ? "" : ` ${file}:${lineNumber}`}`;
}
