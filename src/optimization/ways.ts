import { attempt, type MadeAttempt, nearest, tuned, type Workshop } from "./attempts.ts";
import { type Operators, type RangeMethod, rolesOf } from "./graph-steps.ts";
import type { Demands } from "./verdict.ts";

/** What was tried, and which of it is worth verifying. */
export interface Ways {
  tried: MadeAttempt[];
  chosen: MadeAttempt;
}

const METHODS: RangeMethod[] = ["minmax", "percentile", "entropy"];
/** Of the values of an activation that are within its range. */
const PERCENTILE = 99.999;

/**
 * Quantises to int8 in every way that could be worth it: ranges by each method, everything or layers with weights only
 * where everything does not pay, and with layers left in float32 where it answers too differently.
 */
export async function quantised(shop: Workshop, demands: Demands): Promise<Ways> {
  const { course, graph, source, tensors } = shop;
  const roles = rolesOf(source.manifest);
  const folded = course.path("folded.onnx");
  await course.step("fold", "folding the graph", (tell) =>
    graph("fold", { model: source.path, output: folded, tensors: tensors.calibration, ...roles }, tell),
  );
  const job = (method: RangeMethod, operators: Operators) => ({
    model: folded,
    work: course.folder,
    calibration: tensors.calibration,
    method,
    percentile: PERCENTILE,
    operators,
    ...roles,
  });
  const quantise = (
    name: string,
    key: string,
    method: RangeMethod,
    operators: Operators,
    floats: string[] = [],
  ) =>
    attempt(shop, { key, name, floatNodes: floats }, (output, tell) =>
      graph("quantize", { ...job(method, operators), float_nodes: floats, output }, tell),
    );

  const ranges: (MadeAttempt & { method: RangeMethod })[] = [];
  for (const method of METHODS)
    ranges.push({ ...(await quantise(`int8, ${method}`, `int8-${method}`, method, "all")), method });
  const nearestOf = nearest(ranges);
  const { method } = ranges.find(({ path }) => path === nearestOf.path)!;
  const everything = await tuned(shop, `int8-${method}`, nearestOf);
  const tried: MadeAttempt[] = ranges.map((each) => (each.name === everything.name ? everything : each));
  let best = everything;
  let operators: Operators = "all";

  if (best.speedup! < demands.minSpeedup) {
    const key = `int8-${method}-weights`;
    const name = `int8, ${method}, layers with weights only`;
    const weights = await tuned(shop, key, await quantise(name, key, method, "weights"));
    tried.push(weights);
    if (weights.speedup! > best.speedup!) [best, operators] = [weights, "weights"];
  }

  // A third of what may differ: the photographs of the verification are others, and those of the search are so few
  // that one of them more or less is chance.
  const target = 1 - (1 - demands.minAgreement) / 3;
  if (best.speedup! >= demands.minSpeedup && best.agreement < target) {
    const aim = { search: tensors.search, target, min_speedup: demands.minSpeedup };
    const found = await course.step("search", "searching for layers that hurt", (tell) =>
      graph("search", { ...job(method, operators), float_nodes: [], ...aim }, tell),
    );
    const count = found.float_nodes.length;
    if (count > 0) {
      const key = "int8-searched";
      const name = `int8, ${method}, ${count} ${count === 1 ? "layer" : "layers"} in float32`;
      const searched = await tuned(
        shop,
        key,
        await quantise(name, key, method, operators, found.float_nodes),
      );
      tried.push(searched);
      const isEnough = best.agreement >= demands.minAgreement;
      if (searched.speedup! >= demands.minSpeedup || !isEnough) best = nearest([best, searched]);
    }
  }
  return { tried, chosen: best };
}

/** Stores the weights as float16; they are float32 again once they are loaded. */
export async function halved(shop: Workshop): Promise<Ways> {
  const { graph, source } = shop;
  const key = "float16";
  const made = await attempt(shop, { key, name: "weights as float16", floatNodes: [] }, (output, tell) =>
    graph("float16", { model: source.path, output, ...rolesOf(source.manifest) }, tell),
  );
  return { tried: [made], chosen: made };
}
