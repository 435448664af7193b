import type { TSchema } from "@sinclair/typebox";
import { Value, ValueErrorType } from "@sinclair/typebox/value";
import { SCHEMAS, type SchemaName } from "../../http/openapi/schemas.ts";
import { demand, type Finding, Findings, ok, type Verdict, warning } from "./finding.ts";
import { photograph } from "./photograph.ts";
import { described, type Json, member, type Probe, problemCode, type Reply } from "./probe.ts";

/** Whether it does what it is there for. @param seed of the photographs */
export async function checkFunctions(probe: Probe, seed: number): Promise<Finding[]> {
  const findings = new Findings("functional");
  await findings.check("ready", async () => {
    const reply = await probe.ask("/health/ready");
    const status = member(reply.json, "status");
    demand(reply.status === 200, `${described(reply)}, status ${status}: draining, or no model is loaded`);
    return status === "ok"
      ? shaped("Ready", reply)
      : warning(`ready, but ${status}: see /health/detailed for what is in trouble`);
  });
  await findings.check("health", async () => shaped("Health", await probe.ask("/health")));
  await findings.check("model_info", async () => shaped("Model", await probe.ask("/api/v1/model_info")));
  await findings.check("predict, the photograph itself", async () =>
    answered(await probe.predict(photograph(seed), "image/png")),
  );
  await findings.check("predict, a form of two", async () => {
    const form = new FormData();
    for (const offset of [1, 2])
      form.append(
        "files",
        new File([photograph(seed + offset)], `leaf-${offset}.png`, { type: "image/png" }),
      );
    const reply = await probe.predict(form, null);
    const images = member(reply.json, "images");
    demand(
      reply.status !== 200 || (Array.isArray(images) && images.length === 2),
      "not two images in the answer",
    );
    return answered(reply);
  });
  await findings.check("request id", () => requestId(probe));
  await findings.check("unknown address", async () => {
    const reply = await probe.ask("/api/v1/nothing-here");
    demand(reply.status === 404, `answers ${described(reply)}, not 404`);
    demand(problemCode(reply) === "NOT_FOUND", "the 404 is no problem document of the server's");
    return shaped("Problem", reply, 404);
  });
  await findings.check("OpenAPI document", async () => {
    const reply = await probe.ask("/swagger/json");
    demand(reply.status === 200, `/swagger/json answers ${described(reply)}`);
    const predict = member(reply.json, "paths", "/api/v1/predict", "post");
    demand(predict !== undefined, "/swagger/json does not describe POST /api/v1/predict");
    return ok(`OpenAPI ${member(reply.json, "openapi")}, version ${member(reply.json, "info", "version")}`);
  });
  return findings.list;
}

function answered(reply: Reply): Verdict {
  const verdict = shaped("Answer", reply);
  if (member(reply.json, "fallback") === true)
    return warning("inference fails: the answer is the fallback; see the server's log");
  const first = member(reply.json, "predictions");
  const best = Array.isArray(first) ? member(first[0], "class_id") : null;
  const detail = `${verdict.detail}: ${best}, ${member(reply.json, "confidence_status")}, ${Math.round(reply.ms)} ms`;
  return verdict.outcome === "ok" ? ok(detail) : verdict;
}

async function requestId(probe: Probe): Promise<Verdict> {
  const ask = async (id: string) => {
    const reply = await probe.ask("/health", { headers: { "X-Request-Id": id } });
    return reply.headers.get("x-request-id");
  };
  const given = "check-deployment.1";
  demand((await ask(given)) === given, "a well-formed X-Request-Id does not come back");
  const made = await ask("not well formed");
  demand(made !== null && /^[A-Za-z0-9._-]{1,64}$/.test(made), "a malformed X-Request-Id is not replaced");
  return ok("kept when well formed, replaced otherwise");
}

/** Whether the body is what the OpenAPI document promises; members that are not in it are a warning. */
function shaped(name: SchemaName, reply: Reply, status = 200): Verdict {
  demand(reply.status === status, `answers ${described(reply)}, not ${status}`);
  const mistakes = [...Value.Errors(SCHEMAS[name] as TSchema, reply.json as Json)];
  const wrong = mistakes.find(({ type }) => type !== ValueErrorType.ObjectAdditionalProperties);
  demand(wrong === undefined, `not shaped as ${name}: ${wrong?.path} ${wrong?.message}`);
  const [unknown] = mistakes;
  return unknown === undefined
    ? ok(`${status}, shaped as documented`)
    : warning(`${name} has ${unknown.path}, which this version does not know: is the deployment newer?`);
}
