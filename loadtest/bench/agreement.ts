import { join } from "node:path";
import { BareLoop } from "./bare/loop.ts";

interface Answer {
  predictions: { class_id: string; prob: number }[];
}

/** Half a percent: decoders of the same photograph may differ in a level here and there. */
const TOLERANCE = 0.005;

/**
 * Whether the bare loop does the server's work: both must find the same in the same photographs.
 * @param folder of one version of a model
 * @throws Error where they differ
 */
export async function mustAgree(url: string, folder: string, files: readonly string[]): Promise<void> {
  const loop = await BareLoop.open(folder);
  try {
    const manifest = await Bun.file(join(folder, "manifest.json")).json();
    const labels = (await Bun.file(join(folder, manifest.labels)).json()) as { class_id: string }[];
    for (const file of files) {
      const jpeg = await Bun.file(file).bytes();
      const probs = softmax(await loop.judge(jpeg), manifest.calibration.temperature);
      const response = await fetch(`${url}/api/v1/predict?top_k=3`, {
        method: "POST",
        body: jpeg,
        headers: { "Content-Type": "image/jpeg" },
      });
      const answer = (await response.json()) as Answer;
      if (response.status !== 200) throw new Error(`the server refuses ${file}: ${JSON.stringify(answer)}`);
      for (const { class_id, prob } of answer.predictions) {
        const bare = probs[labels.findIndex((label) => label.class_id === class_id)]!;
        if (!(Math.abs(bare - prob) <= TOLERANCE)) {
          throw new Error(`the bare loop does other work: ${class_id} of ${file} is ${bare}, not ${prob}`);
        }
      }
    }
  } finally {
    await loop.close();
  }
}

function softmax(logits: Float32Array, temperature: number): number[] {
  const most = logits.reduce((larger, logit) => Math.max(larger, logit), Number.NEGATIVE_INFINITY);
  const exponentials = Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
}
