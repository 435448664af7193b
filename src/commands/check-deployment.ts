import { parseArgs } from "node:util";
import { environmentSecret } from "../config.ts";
import { checkConnection } from "./deployment/connection.ts";
import type { Finding } from "./deployment/finding.ts";
import { checkFunctions } from "./deployment/functional.ts";
import { checkHostileFiles } from "./deployment/hostile.ts";
import { checkLimits, checkRateLimit } from "./deployment/limits.ts";
import { checkOperatorRoutes } from "./deployment/operator-routes.ts";
import { checkPerformance, type Durations } from "./deployment/performance.ts";
import { Probe } from "./deployment/probe.ts";
import { count, type Report, reportJson, reportText } from "./deployment/report.ts";
import { checkHeaders } from "./deployment/security-headers.ts";

/** `bun run check:deployment`: asks a running deployment, from outside, whether it is as it should be. */

const USAGE = `usage: bun run check:deployment --url URL [options]

  --url URL                  the deployment: https://pinhole.example.com
  --json                     the report as JSON on standard output
  --limits                   also go over the rate limit, and wait it out
  --operator-token-env NAME  environment variable that holds the operator's token
  --insecure                 do not verify certificates
  --requests N               requests of each kind for the performance probe (default: 10, fewer where the
                             rate limit leaves fewer and no --max-p95-ms is given)
  --max-p95-ms MS            fail when the 95th percentile of the sequential requests is above
  --patience SECONDS         most time to wait in all where the deployment says Retry-After (default 180)
  --seed N                   of the photographs and hostile files (default: the time)

exit status: 0 nothing failed (there may be warnings), 1 something failed, 2 not understood`;

const TIMEOUT_MS = 30_000;

interface Options {
  probe: Probe;
  json: boolean;
  limits: boolean;
  requests: number | null;
  maxP95Ms: number | null;
  seed: number;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));

/** @returns exit status: 0 nothing failed, 1 something did, 2 not understood */
export async function main(args: string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(args);
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const report = await checkDeployment(options);
  console.log(options.json ? reportJson(report) : reportText(report));
  return count(report, "failed") === 0 ? 0 : 1;
}

async function checkDeployment({ probe, limits, requests, maxP95Ms, seed }: Options): Promise<Report> {
  const checkedAt = new Date().toISOString();
  const findings: Finding[] = await checkConnection(probe);
  let durations: readonly Durations[] = [];
  // Where nobody answers, fifty more lines would say so again.
  if (findings.every(({ name, outcome }) => name !== "reachable" || outcome === "ok")) {
    findings.push(...(await checkFunctions(probe, seed)));
    findings.push(...(await checkHeaders(probe)));
    findings.push(...(await checkOperatorRoutes(probe)));
    findings.push(...(await checkLimits(probe, seed + 100)));
    findings.push(...(await checkHostileFiles(probe, seed + 200)));
    const performance = await checkPerformance(probe, { seed: seed + 300, requests, maxP95Ms });
    findings.push(...performance.findings);
    durations = performance.durations;
    if (limits) findings.push(...(await checkRateLimit(probe, seed + 10_000)));
  }
  return { url: probe.options.url, checkedAt, findings, durations };
}

/** @throws Error that says what is wrong with the arguments */
function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      url: { type: "string" },
      json: { type: "boolean", default: false },
      limits: { type: "boolean", default: false },
      "operator-token-env": { type: "string" },
      insecure: { type: "boolean", default: false },
      requests: { type: "string" },
      "max-p95-ms": { type: "string" },
      patience: { type: "string" },
      seed: { type: "string" },
    },
  });
  const whole = (name: "requests" | "max-p95-ms" | "patience" | "seed"): number | null => {
    const text = values[name];
    if (text === undefined) return null;
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name}: a whole number, not ${JSON.stringify(text)}`);
    return Number(text);
  };
  const probe = new Probe({
    url: readUrl(values.url),
    insecure: values.insecure,
    timeoutMs: TIMEOUT_MS,
    patienceMs: (whole("patience") ?? 180) * 1000,
    operatorToken: readToken(values["operator-token-env"]),
    sleep: Bun.sleep,
    onWait: (seconds, status) => console.error(`${status}: waiting ${seconds} s, as told`),
  });
  return {
    probe,
    json: values.json,
    limits: values.limits,
    requests: whole("requests"),
    maxP95Ms: whole("max-p95-ms"),
    seed: whole("seed") ?? Math.floor(Date.now() / 1000),
  };
}

function readUrl(text: string | undefined): string {
  if (text === undefined) throw new Error("--url is missing");
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.pathname !== "/" || url.search || url.username)
    throw new Error(`--url: http:// or https:// and a host, without a path, not ${JSON.stringify(text)}`);
  return url.origin;
}

function readToken(name: string | undefined): string | null {
  if (name === undefined) return null;
  const token = environmentSecret(name);
  if (token === null) throw new Error(`--operator-token-env: there is no ${name} in the environment`);
  return token;
}
