import { PinholeError } from "../errors.ts";
import type { Model } from "../model-repository/manifest.ts";
import { limitRead } from "./allowance.ts";
import { json } from "./json.ts";
import { jsonResponse, link, operation } from "./openapi/operation.ts";
import { MODEL_NAME, MODEL_VERSION } from "./openapi/parameters.ts";
import { routes } from "./routes.ts";
import type { HttpServices } from "./services.ts";

/** What the server can recognise: the default model, all models, one model, one version. */
export function modelRoutes(services: HttpServices) {
  const { repository } = services;
  const isDefault = (model: Model) => repository.defaultModel.key === model.key;
  const summary = (model: Model) => ({
    ...head(model, services, isDefault(model)),
    classes: model.labels.length,
  });
  const full = (model: Model) => modelJson(model, services, isDefault(model));

  const named = { ...MODEL_NAME, example: repository.defaultModel.manifest.name };

  return routes()
    .onBeforeHandle(({ context, set }) => limitRead(services, context, set.headers))
    .get("/api/v1/model_info", ({ set }) => json(set.headers, full(repository.defaultModel)), {
      detail: operation({
        tags: ["models"],
        operationId: "describeDefaultModel",
        summary: "Describe the default model",
        responses: {
          200: jsonResponse("The model that answers when none is named.", "Model", {
            links: { model: link("describeModel", { name: "/name", version: "/version" }) },
          }),
        },
        limited: true,
      }),
    })
    .get("/api/v1/models", ({ set }) => json(set.headers, { models: repository.models.map(summary) }), {
      detail: operation({
        tags: ["models"],
        operationId: "listModels",
        summary: "List every version of every model",
        responses: {
          200: jsonResponse("All models.", "ModelList", {
            links: { versions: link("listModelVersions", { name: "/models/0/name" }) },
          }),
        },
        limited: true,
      }),
    })
    .get(
      "/api/v1/models/:name",
      ({ params: { name }, set }) => {
        const versions = repository.versions(name);
        if (versions.length === 0) throw notFound();
        return json(set.headers, { name, versions: versions.map(summary) });
      },
      {
        detail: operation({
          tags: ["models"],
          operationId: "listModelVersions",
          summary: "List the versions of a model",
          parameters: [named],
          responses: { 200: jsonResponse("Newest version first.", "ModelVersions") },
          failures: ["MODEL_NOT_FOUND"],
          limited: true,
        }),
      },
    )
    .get(
      "/api/v1/models/:name/:version",
      ({ params: { name, version }, set }) => {
        const model = repository.versions(name).find((candidate) => candidate.manifest.version === version);
        if (model === undefined) throw notFound();
        return json(set.headers, full(model));
      },
      {
        detail: operation({
          tags: ["models"],
          operationId: "describeModel",
          summary: "Describe one version of a model",
          parameters: [named, { ...MODEL_VERSION, example: repository.defaultModel.manifest.version }],
          responses: { 200: jsonResponse("The model.", "Model") },
          failures: ["MODEL_NOT_FOUND"],
          limited: true,
        }),
      },
    );
}

const notFound = () =>
  new PinholeError(
    "MODEL_NOT_FOUND",
    "There is no such model here: GET /api/v1/models lists those there are.",
  );

function head({ manifest, key }: Model, { repository }: HttpServices, isDefault: boolean) {
  return {
    name: manifest.name,
    version: manifest.version,
    type: manifest.task,
    description: manifest.description ?? null,
    state: repository.isReady(key) ? "ready" : "not_ready",
    default: isDefault,
    sha256: manifest.sha256,
  };
}

function modelJson(model: Model, services: HttpServices, isDefault: boolean) {
  const { input, resize, normalize, calibration, outputs, accuracy, license } = model.manifest;
  return {
    ...head(model, services, isDefault),
    classes: model.labels.map(({ class_id, class_name, description = null, advice = null }) => ({
      class_id,
      class_name,
      description,
      advice,
    })),
    input,
    preprocessing: {
      fit: resize.fit,
      crop: resize.crop,
      interpolation: resize.interpolation,
      background: resize.background ?? null,
      ...normalize,
    },
    thresholds: {
      temperature: calibration.temperature,
      high: calibration.high,
      medium: calibration.medium,
      unknown: calibration.unknown ?? null,
    },
    explain: outputs.activation_map !== undefined,
    accuracy: accuracy ?? null,
    license,
  };
}
