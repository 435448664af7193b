import { PinholeError } from "../errors.ts";
import { loadModel } from "./load-model.ts";
import type { Model } from "./manifest.ts";
import { modelFolders } from "./model-folders.ts";

/** The models directory does not hold what the server must serve. For the operator: names every mistake. */
export class RepositoryError extends Error {
  override readonly name = "RepositoryError";
}

/**
 * The models on disk, `<name>/<version>/manifest.json`, every one of them checked. Asking `resolve` for each
 * request is the only way to a model: nobody keeps one from one request to the next.
 */
export class ModelRepository {
  /** By name, newest version first. */
  readonly models: readonly Model[];
  /** Name or name/version, known to exist. */
  readonly #defaultRef: string;
  /** Keys of those that can answer. */
  readonly #ready = new Set<string>();

  private constructor(models: readonly Model[], defaultRef: string) {
    this.models = models;
    this.#defaultRef = defaultRef;
  }

  /**
   * Reads and checks every model. One that is broken stops the start: a server that silently lacks a model is
   * worse than one that says why it cannot begin.
   * @param options.defaultModel "name" (its newest version) or "name/version"
   * @throws RepositoryError naming every mistake of every model
   */
  static async open(modelsDir: string, options: { defaultModel: string }): Promise<ModelRepository> {
    const folders = await modelFolders(modelsDir);
    const wrong: string[] = [];
    const models: Model[] = [];
    for (const folder of folders) {
      try {
        models.push(await loadModel(folder));
      } catch (thrown) {
        const text = thrown instanceof Error ? thrown.message : String(thrown);
        wrong.push(text.replaceAll(/^/gm, `${folder.key}: `));
      }
    }
    if (folders.length === 0) {
      wrong.push(
        `${modelsDir}: expected <name>/<version>/manifest.json for at least one model, received none`,
      );
    }
    models.sort(byNameThenNewest);
    const repository = new ModelRepository(models, options.defaultModel);
    if (wrong.length === 0 && !repository.#find(options.defaultModel)) {
      wrong.push(`default model: expected one of ${repository.#listed()}, received ${options.defaultModel}`);
    }
    if (wrong.length > 0) throw new RepositoryError(wrong.join("\n"));
    return repository;
  }

  /**
   * One model of a directory, ready or not, for those who do not serve.
   * @param ref "name" (its newest version) or "name/version"
   * @throws RepositoryError as `open` does
   */
  static async find(modelsDir: string, ref: string): Promise<Model> {
    return (await ModelRepository.open(modelsDir, { defaultModel: ref })).defaultModel;
  }

  /**
   * @param ref "name" (its newest version), "name/version", or null for the default model
   * @throws PinholeError MODEL_NOT_FOUND, MODEL_NOT_READY
   */
  resolve(ref: string | null): Model {
    const wanted = ref ?? this.#defaultRef;
    const model = this.#find(wanted);
    if (!model) {
      throw new PinholeError(
        "MODEL_NOT_FOUND",
        `There is no model ${JSON.stringify(wanted.slice(0, 100))}; there is ${this.#listed()}.`,
      );
    }
    if (!this.isReady(model.key)) {
      throw new PinholeError("MODEL_NOT_READY", `The model ${model.key} is not ready yet.`);
    }
    return model;
  }

  /** The model for requests that name none, ready or not. */
  get defaultModel(): Model {
    return this.#find(this.#defaultRef)!;
  }

  /** Every version of a model, newest first; none where the name is unknown. */
  versions(name: string): readonly Model[] {
    return this.models.filter((model) => model.manifest.name === name);
  }

  /** A warm session stands behind this model. */
  markReady(key: string): void {
    if (!this.models.some((model) => model.key === key)) throw new RangeError(`no model ${key}`);
    this.#ready.add(key);
  }

  markNotReady(key: string): void {
    this.#ready.delete(key);
  }

  isReady(key: string): boolean {
    return this.#ready.has(key);
  }

  #find(ref: string): Model | undefined {
    return this.models.find((model) => model.key === ref || model.manifest.name === ref);
  }

  #listed(): string {
    return this.models.map(({ key }) => key).join(", ");
  }
}

function byNameThenNewest({ manifest: a }: Model, { manifest: b }: Model): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  // Builds of one version are equal to semver; their text makes the order certain.
  return Bun.semver.order(b.version, a.version) || (a.version < b.version ? 1 : -1);
}
