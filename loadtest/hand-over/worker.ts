import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import type { LoopManifest } from "../bench/bare/loop.ts";
import { BarePreprocessor } from "../bench/bare/preprocessor.ts";
import { openTurboJpeg, type TurboJpeg } from "../bench/bare/turbo-jpeg.ts";

/** The first message; `null` is the answer to it. */
export interface Opening {
  /** Of one version of a model. */
  folder: string;
  /** Whether jobs are JPEGs, decoded here, or image tensors of 256 x 256, decoded before. */
  decodes: boolean;
}

/** Jobs are buffers; each is answered by its class and given back. */
export interface Judged {
  best: number;
  buffer: ArrayBuffer;
}

declare const self: Worker;

const SIDE = 256;
let judge: (buffer: ArrayBuffer) => Promise<number>;

self.onmessage = async ({ data }: MessageEvent<Opening | ArrayBuffer>) => {
  if (!(data instanceof ArrayBuffer)) {
    judge = await open(data);
    self.postMessage(null);
    return;
  }
  const best = await judge(data);
  self.postMessage({ best, buffer: data } satisfies Judged, [data]);
};

async function open({ folder, decodes }: Opening) {
  const manifest = (await Bun.file(join(folder, "manifest.json")).json()) as LoopManifest;
  const { input, outputs } = manifest;
  const preprocessor = await BarePreprocessor.open(manifest, decodes ? await openTurboJpeg() : HANDED_OVER);
  const session = await InferenceSession.create(join(folder, manifest.file), {
    executionProviders: ["cpu"],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
  const feeds = {
    [input.name]: new Tensor("float32", preprocessor.input, [1, 3, input.height, input.width]),
  };
  const logits = outputs.logits!.name;
  let last: Promise<unknown> = Promise.resolve();
  return (buffer: ArrayBuffer): Promise<number> => {
    const judged = last.then(async () => {
      preprocessor.write(new Uint8Array(buffer));
      const values = (await session.run(feeds, [logits]))[logits]!.data as Float32Array;
      return values.indexOf(Math.max(...values));
    });
    last = judged;
    return judged;
  };
}

/** "Decodes" a tensor by copying it to where the kernel reads. */
const HANDED_OVER: TurboJpeg = {
  size: () => ({ width: SIDE, height: SIDE }),
  decode: (tensor, _eighths, pixels) => pixels.set(tensor.subarray(0, pixels.length)),
};
