import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { command, repositoryRoot } from "../run/command.ts";
import { parseJunit } from "../run/junit.ts";
import { add, failed, judge, type Outcome, passed } from "../run/outcome.ts";
import { photographs } from "./photographs.ts";
import { OPERATOR_TOKEN, type RunningServer, startServer } from "./server.ts";

const SEED = 20_261_121;
const EXAMPLES = 100;
const TIMEOUT_MS = 7 * 60_000;

interface OpenApiDocument {
  paths: Record<
    string,
    Record<string, { responses: Record<string, unknown>; requestBody?: { content: object } }>
  >;
}

/** One answer, as schemathesis_hooks.py noted it. */
interface Noted {
  operation: string;
  method: string;
  status: number;
  fallback: boolean;
}

/**
 * Holds a running server to its own OpenAPI document: the document validates; schemathesis finds nothing outside
 * of it; every documented 2xx is reached; nothing answers with a 5xx or a fallback. Limits are raised, not off.
 * @param bin folder of the Python tools
 */
export async function contract(bin: string): Promise<Outcome> {
  const reports = join(repositoryRoot(), "test/reports/contract");
  await rm(reports, { recursive: true, force: true });
  await mkdir(reports, { recursive: true });
  await using server = await startServer({
    PINHOLE_RATE_LIMIT_REQUESTS: "1000000",
    PINHOLE_RATE_LIMIT_READ_REQUESTS: "1000000",
    PINHOLE_LOG_LEVEL: "error",
    PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
  });
  const document = (await (await fetch(`${server.url}/swagger/json`)).json()) as OpenApiDocument;
  const documentPath = join(reports, "openapi.json");
  await Bun.write(documentPath, JSON.stringify(document, null, 2));
  const validated = await command([join(bin, "openapi-spec-validator"), documentPath], { timeoutMs: 60_000 });

  const answers = join(reports, "answers.jsonl");
  const junit = join(reports, "junit.xml");
  const code = await command(
    [
      join(bin, "schemathesis"),
      "--config-file=test/system/schemathesis.toml",
      "run",
      `${server.url}/swagger/json`,
      `--header=Authorization: Bearer ${OPERATOR_TOKEN}`,
      "--checks=all",
      `--max-examples=${EXAMPLES}`,
      `--seed=${SEED}`,
      "--generation-database=none",
      "--continue-on-failure",
      "--report=junit",
      `--report-junit-path=${junit}`,
      "--no-color",
    ],
    {
      timeoutMs: TIMEOUT_MS,
      env: {
        SCHEMATHESIS_HOOKS: "test/system/schemathesis_hooks.py",
        HYPOTHESIS_STORAGE_DIRECTORY: join(reports, "hypothesis"),
        PINHOLE_TEST_ANSWERS: answers,
        PINHOLE_TEST_KNOWN: JSON.stringify(await whatIsThere(server, document)),
      },
    },
  );
  const counted = (await Bun.file(junit).exists())
    ? parseJunit(await Bun.file(junit).text())
    : failed("schemathesis wrote no report");
  const lines = (await Bun.file(answers).exists()) ? (await Bun.file(answers).text()).trim().split("\n") : [];
  return add(
    validated === 0 ? passed() : failed("the OpenAPI document does not validate"),
    judge("schemathesis", counted, code),
    reached(
      document,
      lines.map((line) => JSON.parse(line) as Noted),
    ),
  );
}

/** Ids and names that exist, for requests that random values would hardly ever hit. */
async function whatIsThere(server: RunningServer, document: OpenApiDocument) {
  const [leaf] = await photographs();
  const headers = { "Content-Type": "image/jpeg" };
  const response = await fetch(`${server.url}/api/v1/predict`, {
    method: "POST",
    body: leaf!.bytes,
    headers,
  });
  const { prediction_id, model } = (await response.json()) as {
    prediction_id: string;
    model: { name: string; version: string };
  };
  const types = Object.keys(document.paths["/api/v1/predict"]?.post?.requestBody?.content ?? {});
  return {
    prediction_id,
    model: { name: model.name, version: model.version },
    image_types: types.filter((type) => type !== "multipart/form-data"),
  };
}

/** One test for each documented 2xx, one for 5xx and one for fallback answers. */
function reached(document: OpenApiDocument, noted: readonly Noted[]): Outcome {
  const seen = new Set(
    noted
      .filter(({ operation, method }) => operation.startsWith(`${method} `))
      .map(({ operation, status }) => `${operation} ${status}`),
  );
  const outcomes: Outcome[] = [];
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, { responses }] of Object.entries(operations)) {
      for (const status of Object.keys(responses ?? {}).filter((one) => one.startsWith("2"))) {
        const name = `${method.toUpperCase()} ${path} ${status}`;
        outcomes.push(seen.has(name) ? passed() : failed(`${name} is documented and was never reached`));
      }
    }
  }
  const broken = new Set(
    noted.filter(({ status }) => status >= 500).map(({ operation, status }) => `${operation} ${status}`),
  );
  const fallbacks = noted.filter(({ fallback }) => fallback).length;
  outcomes.push(broken.size === 0 ? passed() : failed(`answered with ${[...broken].join(", ")}`));
  outcomes.push(fallbacks === 0 ? passed() : failed(`${fallbacks} fallback answers`));
  console.log(
    `${noted.length} answers; documented 2xx reached: ${outcomes.length - 2 - outcomes.slice(0, -2).filter((one) => one.failed).length} of ${outcomes.length - 2}`,
  );
  return add(...outcomes);
}
