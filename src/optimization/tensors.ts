import { open } from "node:fs/promises";
import { PinholeError } from "../errors.ts";
import { decodePhotograph, type PhotographSettings } from "../evaluation/walk.ts";
import { openDecoders } from "../inference/decoders/decoders.ts";
import { Preprocessor } from "../inference/preprocess.ts";
import type { Model } from "../model-repository/manifest.ts";

/** A raw file of a model's inputs, little-endian, one photograph after the other, as numpy maps it. */
export interface Tensors {
  /** Absolute. */
  tensors: string;
  /** [photographs, 3, height, width] or [photographs, height, width, 3] */
  shape: [number, number, number, number];
  dtype: "float32" | "float16" | "uint8";
}

/**
 * Writes what a model would be given for these photographs, decoded and prepared as the server does.
 * @param files absolute
 * @returns with those that could not be decoded, which are left out
 */
export async function writeTensors(
  path: string,
  files: readonly string[],
  model: Model,
  settings: PhotographSettings,
  options: { tell: (done: number, of: number) => void; signal: AbortSignal },
): Promise<Tensors & { failures: string[] }> {
  const { input } = model.manifest;
  const decoder = await openDecoders(settings.decode);
  const preprocessor = new Preprocessor(model.manifest, 1);
  const { buffer, byteOffset, byteLength } = preprocessor.input;
  const row = new Uint8Array(buffer, byteOffset, byteLength);
  const out = await open(path, "w");
  try {
    const failures: string[] = [];
    for (const [index, file] of files.entries()) {
      options.signal.throwIfAborted();
      const image = await decodePhotograph(file, model, decoder, settings.limits).catch((thrown: unknown) => {
        if (!(thrown instanceof PinholeError)) throw thrown;
        failures.push(`${file}: ${thrown.detail}`);
        return null;
      });
      if (image === null) continue;
      preprocessor.write(image, 0);
      await out.writeFile(row);
      options.tell(index + 1, files.length);
    }
    const { width, height, layout, dtype } = input;
    const count = files.length - failures.length;
    const shape: Tensors["shape"] = layout === "NCHW" ? [count, 3, height, width] : [count, height, width, 3];
    return { tensors: path, shape, dtype, failures };
  } finally {
    await out.close();
  }
}
