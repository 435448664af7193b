import { systemClock } from "../clock.ts";
import { Batcher } from "../inference/batcher.ts";
import type { ImageDecoder } from "../inference/decode.ts";
import { decodeTarget } from "../inference/decode-size.ts";
import { type DecodersOptions, openDecoders } from "../inference/decoders/decoders.ts";
import type { ImageTensor } from "../inference/image.ts";
import type { RawRow } from "../inference/messages.ts";
import { type ImageLimits, validateImage } from "../inference/validate.ts";
import { ThreadPool } from "../inference/worker-pool.ts";
import type { Model } from "../model-repository/manifest.ts";

/** Entry point of the inference thread. */
export const WORKER = new URL("../../workers/inference.worker.ts", import.meta.url);

/** What the settings say of photographs. */
export interface PhotographSettings {
  limits: ImageLimits;
  decode: DecodersOptions;
}

/** The stations of the server's walk that decide what is answered to a photograph, without those that protect it. */
export class Walk implements AsyncDisposable {
  readonly #settings: PhotographSettings;
  readonly #decoder: ImageDecoder;
  readonly #pool: ThreadPool;
  readonly #batcher: Batcher;

  private constructor(settings: PhotographSettings, decoder: ImageDecoder, pool: ThreadPool) {
    this.#settings = settings;
    this.#decoder = decoder;
    this.#pool = pool;
    this.#batcher = new Batcher({ pool, clock: systemClock });
  }

  /** @throws Error where a model cannot be loaded or run */
  static async open(models: readonly Model[], workers: number, settings: PhotographSettings): Promise<Walk> {
    const pool = new ThreadPool({ worker: WORKER, size: workers, models, clock: systemClock });
    await pool.start();
    return new Walk(settings, await openDecoders(settings.decode), pool);
  }

  /** @throws PinholeError where the server would refuse the photograph, or the model cannot judge it */
  async judge(file: string, model: Model): Promise<RawRow> {
    const image = await decodePhotograph(file, model, this.#decoder, this.#settings.limits);
    const { row } = await this.#batcher.submit({ model, image, explain: false, unwanted: () => null });
    return row;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}

/**
 * A photograph as workers get it for this model.
 * @throws PinholeError where the server would refuse it
 */
export async function decodePhotograph(
  file: string,
  model: Pick<Model, "manifest">,
  decoder: ImageDecoder,
  limits: ImageLimits,
): Promise<ImageTensor> {
  const image = { bytes: await Bun.file(file).bytes(), filename: null, contentType: null };
  return decoder.decode(image, validateImage(image, limits), decodeTarget(model));
}
