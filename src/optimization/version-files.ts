import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Model } from "../model-repository/manifest.ts";
import { modelCard } from "./card.ts";
import type { VersionFiles } from "./publish.ts";
import type { OptimizationReport } from "./report.ts";

/** Of the network in a version's folder. */
export const MODEL_FILE = "model.onnx";
const LONGEST_DESCRIPTION = 2000;

/**
 * What is written beside the new network: the source's manifest with what has changed, its labels, its card with the
 * figures before it.
 * @param model the new version as it was verified
 */
export async function versionFiles(
  model: Model,
  source: Model,
  report: OptimizationReport,
): Promise<VersionFiles> {
  const sourceCard = await readFile(join(dirname(source.path), "MODEL_CARD.md"), "utf8").catch(() => null);
  const how = report.demands.goal === "speed" ? "Quantised to int8" : "Stored as float16";
  const { description, ...manifest } = model.manifest;
  const origin = `${how} from ${source.key}.`;
  return {
    manifest: {
      ...manifest,
      file: MODEL_FILE,
      description: description ? `${origin} ${description}`.slice(0, LONGEST_DESCRIPTION) : origin,
      ...accuracyOf(report),
    },
    labels: model.labels,
    card: modelCard(report, sourceCard),
  };
}

/** The source's own accuracy is not the new one's: it says what was measured, or nothing. */
function accuracyOf({ source, comparison }: OptimizationReport) {
  const top1 = comparison.labelled?.made.top1;
  if (top1 === undefined || top1.of === 0) return {};
  const { count, of } = comparison.agreement;
  const dataset = `photographs kept for verification; answers as ${source.key} does on ${count} of ${of}`;
  return { accuracy: { top1: top1.share, images: top1.of, dataset } };
}
