import { join } from "node:path";
import { truthOf } from "../evaluation/photographs.ts";
import { decodePhotograph } from "../evaluation/walk.ts";
import { openDecoders } from "../inference/decoders/decoders.ts";
import { readGraph } from "../model-repository/graph.ts";
import type { Model } from "../model-repository/manifest.ts";
import { fixedBatch } from "../model-repository/signature.ts";
import { answersOf, type Photographs, pairsOf } from "./answers.ts";
import { bytesOf, madeModel, type Workshop } from "./attempts.ts";
import { compare } from "./comparison.ts";
import type { Course } from "./course.ts";
import { type ExecutionFigures, measureExecution } from "./execution.ts";
import { fitCalibration, withCalibration } from "./fit.ts";
import { type GraphSteps, rolesOf } from "./graph-steps.ts";
import type { OptimizationReport } from "./report.ts";
import type { Parts } from "./split.ts";
import { writeTensors } from "./tensors.ts";
import { timeVersions } from "./timing.ts";
import { type Demands, refusals } from "./verdict.ts";
import { halved, quantised } from "./ways.ts";

/** What is to be made of what. */
export interface Optimization {
  source: Model;
  /** Of the new one. */
  version: string;
  parts: Parts;
  /** Whether the folders that photographs lie in name their classes. */
  labelled: boolean;
  demands: Demands;
  photographs: Photographs;
  /** About how long each timing takes. */
  seconds: number;
  graph: GraphSteps;
  course: Course;
}

/** What came of it: the figures, and the version as it would be served. */
export interface Outcome {
  report: Omit<OptimizationReport, "written" | "machine" | "command">;
  model: Model;
}

/** Photographs that are timed with. */
const TIMED = 8;
const BATCHES = [1, 4];

/**
 * Makes the network, compares it with its source and measures how it is best run. Writes nothing but in the folder of
 * the course.
 * @throws GraphToolError, PinholeError, Error of node:fs; what the signal was aborted with
 */
export async function optimize(request: Optimization): Promise<Outcome> {
  const { source, version, parts, demands, photographs, seconds, graph, course } = request;
  const { signal } = course;
  const absolute = (files: readonly string[]) => files.map((file) => join(photographs.directory, file));
  const all = [...parts.calibration, ...parts.search, ...parts.verification];
  course.say(`asking ${source.key} about ${all.length} photographs`);
  const sourceAnswers = await answersOf(source, all, photographs, { tell: course.tell, signal });
  const tensors = (name: "calibration" | "search") =>
    course.step(`tensors-${name}`, `preparing photographs (${name})`, (tell) =>
      writeTensors(course.path(`${name}.raw`), absolute(parts[name]), source, photographs.settings, {
        tell,
        signal,
      }),
    );
  const [calibration, search] = [await tensors("calibration"), await tensors("search")];

  const fixed = await insistedBatch(source);
  const shop: Workshop = {
    course,
    graph,
    source,
    photographs,
    search: parts.search,
    searchAnswers: sourceAnswers,
    images: await pictures(request, absolute(parts.verification.slice(0, TIMED))),
    seconds,
    rows: fixed ?? 1,
    tensors: { calibration, search },
  };
  const ways = demands.goal === "size" ? halved : quantised;
  const { tried, chosen } = await ways(shop, demands);

  const made = await madeModel(source, version, chosen.path);
  course.say(`asking ${chosen.name} about ${all.length} photographs`);
  const madeAnswers = await answersOf(made, all, photographs, { tell: course.tell, signal });
  const pairs = (files: readonly string[]) => pairsOf(files, sourceAnswers, madeAnswers);
  const fitted = fitCalibration(
    source,
    pairs([...parts.calibration, ...parts.search]).map(({ pair }) => pair),
  );
  const calibrated = withCalibration(made, fitted);
  const verified = pairs(parts.verification);
  const truths = request.labelled ? verified.map(({ file }) => truthOf(file, source.labels)) : null;
  const comparison = compare(
    source,
    calibrated,
    verified.map(({ pair }) => pair),
    truths,
  );

  const times = await course.step("timed", "timing both versions on one core", () =>
    timeVersions(source, made, shop.images, { batches: fixed === null ? BATCHES : [fixed], seconds }),
  );
  const kernels = await course.step("kernels", "looking which layers run on integers", (tell) =>
    graph("kernels", { model: made.path, tensors: search, ...rolesOf(source.manifest) }, tell),
  );
  const bytes = { source: await bytesOf(source), made: await bytesOf(made) };
  const reasons = refusals(demands, { comparison, speedup: times[0]!.speedup, bytes });
  const execution =
    reasons.length > 0
      ? null
      : await course.step("execution", "measuring how it is best run", () =>
          measureExecution(made, shop.images, { cores: photographs.workers, fixed, seconds }),
        );
  const unreadable = all.length - pairs(all).length;
  return {
    model: withExecution(calibrated, execution),
    report: {
      source: { key: source.key, sha256: source.manifest.sha256, bytes: bytes.source },
      made: { key: `${source.manifest.name}/${version}`, sha256: made.manifest.sha256, bytes: bytes.made },
      refusals: reasons,
      demands,
      photographs: {
        calibration: calibration.shape[0],
        search: search.shape[0],
        verification: verified.length,
        unused: parts.unused.length,
        unreadable,
      },
      tried: tried.map(({ path: _, ...attempt }) => attempt),
      chosen: chosen.name,
      comparison,
      calibration: { source: source.manifest.calibration, made: fitted },
      timed: times,
      kernels,
      execution,
    },
  };
}

async function pictures({ source, photographs }: Optimization, files: readonly string[]) {
  const decoder = await openDecoders(photographs.settings.decode);
  return Promise.all(
    files.map((file) => decodePhotograph(file, source, decoder, photographs.settings.limits)),
  );
}

/** Rows that a graph always wants, or null. */
async function insistedBatch({ path, manifest }: Model): Promise<number | null> {
  const { inputs } = readGraph(await Bun.file(path).bytes());
  const input = inputs.find(({ name }) => name === manifest.input.name);
  return input ? fixedBatch(input) : null;
}

function withExecution(model: Model, figures: ExecutionFigures | null): Model {
  if (figures === null) return model;
  const { execution, maxBatch } = figures.chosen;
  const batch = { ...model.manifest.batch, max_size: maxBatch };
  return { ...model, manifest: { ...model.manifest, batch, execution } };
}
