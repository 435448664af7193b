import { resolve } from "node:path";
import { ModelRepository, RepositoryError } from "../model-repository/repository.ts";
import { type Finding, findingsOf } from "./finding.ts";

/** Every manifest, every digest, and the default model, as the server reads them at its start. */
export async function checkModels(modelsDir: string, defaultModel: string): Promise<Finding[]> {
  const { ok, fail } = findingsOf("models");
  try {
    const { models, defaultModel: found } = await ModelRepository.open(resolve(modelsDir), { defaultModel });
    return [ok(`${models.map(({ key }) => key).join(", ")}; by default ${found.key}`)];
  } catch (thrown) {
    if (thrown instanceof RepositoryError)
      return [
        fail(thrown.message, "Mend or remove these models; `bun run models:verify` runs each of them once."),
      ];
    const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
    return [fail(`${resolve(modelsDir)}: ${code}`, "PINHOLE_MODELS_DIR must be a directory of models.")];
  }
}
