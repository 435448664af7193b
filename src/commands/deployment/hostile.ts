import { demand, type Finding, Findings, failed, ok, type Verdict, warning } from "./finding.ts";
import { hostileFiles } from "./hostile-files.ts";
import { photograph } from "./photograph.ts";
import { described, type Probe, problemCode, type Reply } from "./probe.ts";

/** Paths, stacks, libraries: what must not come back from a refusal. */
const INSIDE = /node_modules|\.ts:\d|libvips|onnxruntime| {4}at |\/(home|usr|app|srv|opt|root|var)\/\w/i;

/** Every one must be refused with a 4xx that says why, and the server must be as well as before. */
export async function checkHostileFiles(probe: Probe, seed: number): Promise<Finding[]> {
  const findings = new Findings("hostile");
  for (const { name, contentType, bytes } of hostileFiles(seed))
    await findings.check(name, async () => refused(await probe.predict(bytes, contentType)));
  await findings.check("a file name that climbs", async () => {
    const form = new FormData();
    form.append("file", new File(["no photograph"], "../../../../etc/passwd", { type: "image/jpeg" }));
    const reply = await probe.predict(form, null);
    demand(!reply.text.includes(".."), "the path comes back in the answer");
    return refused(reply);
  });
  await findings.check("as well as before", async () => {
    const ready = await probe.ask("/health/ready");
    demand(ready.status === 200, `/health/ready answers ${described(ready)}`);
    const reply = await probe.predict(photograph(seed + 3), "image/png");
    return reply.status === 200 ? ok("ready, and predicts") : failed(`predict answers ${described(reply)}`);
  });
  return findings.list;
}

function refused(reply: Reply): Verdict {
  if (reply.status < 400 || reply.status > 499)
    return failed(`answers ${described(reply)}, not 4xx${reply.status < 400 ? ": it was taken" : ""}`);
  if (INSIDE.test(reply.text)) return failed("the refusal tells of the inside of the server");
  if (problemCode(reply) === null) return warning(`${reply.status}, but not as application/problem+json`);
  return ok(described(reply));
}
