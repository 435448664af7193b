import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { BarePreprocessor, type InputManifest } from "./preprocessor.ts";
import { openTurboJpeg } from "./turbo-jpeg.ts";

/** `manifest.json` as far as a loop reads it. */
export interface LoopManifest extends InputManifest {
  file: string;
  outputs: Record<string, { name: string } | undefined>;
}

/** Decode and infer, one photograph after the other: what every server would be if serving cost nothing. */
export class BareLoop {
  readonly #preprocessor: BarePreprocessor;
  readonly #session: InferenceSession;
  readonly #feeds: Record<string, Tensor>;
  readonly #outputs: string[];

  /** @param folder of one version of a model, with its manifest */
  static async open(folder: string): Promise<BareLoop> {
    const manifest = (await Bun.file(join(folder, "manifest.json")).json()) as LoopManifest;
    const preprocessor = await BarePreprocessor.open(manifest, await openTurboJpeg());
    const session = await InferenceSession.create(join(folder, manifest.file), {
      executionProviders: ["cpu"],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
    });
    return new BareLoop(manifest, preprocessor, session);
  }

  private constructor(manifest: LoopManifest, preprocessor: BarePreprocessor, session: InferenceSession) {
    const { input, outputs } = manifest;
    this.#preprocessor = preprocessor;
    this.#session = session;
    const tensor = new Tensor("float32", preprocessor.input, [1, 3, input.height, input.width]);
    this.#feeds = { [input.name]: tensor };
    // What the server asks for when nobody wants an explanation.
    this.#outputs = [outputs.logits!.name, ...(outputs.unknown_score ? [outputs.unknown_score.name] : [])];
  }

  /** @returns logits, one for each class */
  async judge(jpeg: Uint8Array): Promise<Float32Array> {
    this.#preprocessor.write(jpeg);
    const answered = await this.#session.run(this.#feeds, this.#outputs);
    return answered[this.#outputs[0]!]!.data as Float32Array;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
