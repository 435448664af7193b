import { describe, expect, test } from "bun:test";
import type { TSchema } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { CATALOGUE, type ErrorCode, PinholeError } from "../../errors.ts";
import { createApp } from "../app.ts";
import { ANSWER, jsonOf, OPERATOR_TOKEN, testServices } from "../fakes.ts";
import { PROBLEM_TYPE } from "../problem.ts";
import { SCHEMAS, type SchemaName } from "./schemas.ts";

interface DocumentedResponse {
  headers?: Record<string, unknown>;
  content?: Record<
    string,
    { schema: { $ref?: string; allOf?: { properties?: { error?: { enum: ErrorCode[] } } }[] } }
  >;
}
interface Operation {
  responses: Record<string, DocumentedResponse>;
  parameters?: { $ref?: string; name?: string; in?: string }[];
  operationId: string;
}

function start(options: Parameters<typeof testServices>[0] = {}) {
  const checks = { memory: { state: "ok", figure: 1, unit: "bytes", threshold: null } };
  const healthHistory = { latest: () => [{ createdAt: 0, status: "healthy" as const, checks }] };
  const world = testServices({ ...options, services: { healthHistory } });
  const app = createApp(world.services);
  const send = (method: string, path: string) => {
    const type: Record<string, string> = method === "PUT" ? { "content-type": "application/json" } : {};
    const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, ...type };
    const body = method === "POST" ? "x" : method === "PUT" ? '{"level":"debug"}' : undefined;
    return app.handle(new Request(`http://localhost${path}`, { method, headers, body }));
  };
  return { ...world, send };
}

const documentOf = async () => jsonOf(await start().send("GET", "/swagger/json"));

async function operations(): Promise<[string, string, Operation][]> {
  const { paths } = await documentOf();
  return Object.entries<Record<string, Operation>>(paths).flatMap(([path, byMethod]) =>
    Object.entries(byMethod).map(([method, operation]): [string, string, Operation] => [
      method.toUpperCase(),
      path,
      operation,
    ]),
  );
}

/** @returns every mistake, for a message that says something */
function mistakes(name: SchemaName, value: unknown): string[] {
  return [...Value.Errors(SCHEMAS[name] as TSchema, value)].map(({ path, message }) => `${path}: ${message}`);
}

describe("the document", () => {
  test("names every route, and each operation once", async () => {
    const listed = await operations();
    expect(listed.map(([method, path]) => `${method} ${path}`).sort()).toEqual([
      "DELETE /api/v1/admin/cache",
      "GET /api/v1/admin/cache",
      "GET /api/v1/admin/log-level",
      "GET /api/v1/admin/rate-limits",
      "GET /api/v1/model_info",
      "GET /api/v1/models",
      "GET /api/v1/models/{name}",
      "GET /api/v1/models/{name}/{version}",
      "GET /api/v1/predictions",
      "GET /api/v1/predictions/{prediction_id}",
      "GET /health",
      "GET /health/detailed",
      "GET /health/history",
      "GET /health/live",
      "GET /health/metrics",
      "GET /health/ready",
      "GET /metrics",
      "POST /api/v1/predict",
      "PUT /api/v1/admin/log-level",
    ]);
    expect(new Set(listed.map(([, , { operationId }]) => operationId)).size).toBe(listed.length);
  });

  test("leaves out the history where none is kept", async () => {
    const { services } = testServices();
    const response = await createApp(services).handle(new Request("http://localhost/swagger/json"));
    expect((await jsonOf(response)).paths).not.toHaveProperty("/health/history");
  });

  test("resolves every reference", async () => {
    const document = await documentOf();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      ([, path]) => path!,
    );
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      const found = reference.split("/").reduce((node, key) => node?.[key], document);
      expect([reference, typeof found]).toEqual([reference, "object"]);
    }
  });

  test("predict documents every failure of the contract", async () => {
    const { paths } = await documentOf();
    expect(Object.keys(paths["/api/v1/predict"].post.responses)).toEqual([
      "200",
      "400",
      "403",
      "404",
      "408",
      "413",
      "421",
      "422",
      "429",
      "500",
      "503",
      "504",
    ]);
  });
});

describe("every documented 2xx is answered as documented", async () => {
  const PATHS: Record<string, string> = {
    "{name}": "leaf-disease",
    "{version}": "1.0.0",
    "{prediction_id}": ANSWER.predictionId,
  };
  test.each(await operations())("%s %s", async (method, path, { responses }) => {
    const response = await start().send(
      method,
      path.replace(/\{\w+\}/g, (name) => PATHS[name]!),
    );
    expect(response.status).toBe(200);
    const [[type, { schema }]] = Object.entries(responses[200]!.content!) as [
      [string, { schema: { $ref?: string } }],
    ];
    expect(response.headers.get("content-type")!.split(";")[0]).toBe(type);
    for (const name of Object.keys(responses[200]!.headers ?? {}))
      if (/request-id/i.test(name)) expect(response.headers.has(name)).toBe(true);
    if (schema.$ref === undefined) return;
    expect(mistakes(schema.$ref.split("/").at(-1) as SchemaName, await response.json())).toEqual([]);
  });

  test("a schema refuses what it does not name", async () => {
    const answer = await jsonOf(await start().send("POST", "/api/v1/predict"));
    expect(mistakes("Answer", { ...answer, extra: 1 })).not.toEqual([]);
    expect(mistakes("Answer", { ...answer, cached: "no" })).not.toEqual([]);
    const { cached: _, ...rest } = answer;
    expect(mistakes("Answer", rest)).not.toEqual([]);
  });
});

describe("every failure of predict is answered as documented", async () => {
  const [, , { responses }] = (await operations()).find(([, path]) => path === "/api/v1/predict")!;
  const codes = Object.values(responses).flatMap(
    ({ content }) => content?.[PROBLEM_TYPE]?.schema.allOf?.[1]?.properties?.error?.enum ?? [],
  );
  test.each(codes)("%s", async (code) => {
    const { send } = start({
      predict: () => {
        throw new PinholeError(code, "Why.");
      },
    });
    const response = await send("POST", "/api/v1/predict");
    expect(responses).toHaveProperty(String(response.status));
    expect(response.status).toBe(CATALOGUE[code].status);
    expect(mistakes("Problem", await response.json())).toEqual([]);
    const documented = responses[response.status]!.headers!;
    for (const name of ["Retry-After", "WWW-Authenticate"])
      expect([name, response.headers.has(name)]).toEqual([name, name in documented]);
  });
});
