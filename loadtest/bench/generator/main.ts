import { generate } from "./generate.ts";
import type { LoadJob } from "./job.ts";

/** One load generator: the job as JSON on stdin, the result as JSON on stdout. */

if (import.meta.main) {
  const job = (await Bun.stdin.json()) as LoadJob;
  console.log(JSON.stringify(await generate(job)));
  process.exit(0);
}
