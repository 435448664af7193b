import { isLoopback } from "./connection.ts";
import { type Finding, Findings, failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import { described, type Probe } from "./probe.ts";

const ROUTES = [
  "/metrics",
  "/health/detailed",
  "/health/metrics",
  "/health/history",
  "/api/v1/predictions",
  "/api/v1/admin/cache",
  "/api/v1/admin/rate-limits",
];

/** Other spellings of a closed address, which a proxy may take for another one than the server does. */
const SPELLINGS = ["/metrics/", "//metrics", "/%6detrics", "/health/%64etailed", "/swagger/..%2fmetrics"];

/** What is for operators must be closed to everybody else. */
export async function checkOperatorRoutes(probe: Probe): Promise<Finding[]> {
  const findings = new Findings("operator");
  const closed = async (path: string, headers: Record<string, string> = {}): Promise<Verdict> => {
    const reply = await probe.ask(path, { headers, asIs: true });
    if ([401, 403, 404].includes(reply.status)) return ok(described(reply));
    if (reply.status !== 200) return warning(`answers ${described(reply)}, neither 401 nor 403`);
    return failed(
      isLoopback(probe.url)
        ? "open: the server runs with PINHOLE_ENVIRONMENT=development and no operator token"
        : "open to everybody: set PINHOLE_OPERATOR_TOKEN and PINHOLE_ENVIRONMENT=production",
    );
  };
  for (const path of ROUTES) await findings.check(path, () => closed(path));
  await findings.check("other spellings", async () => {
    const verdicts = await Promise.all(SPELLINGS.map(async (path) => ({ path, ...(await closed(path)) })));
    const open = verdicts.find(({ outcome }) => outcome === "failed");
    return open ? failed(`${open.path} is ${open.detail}`) : ok(`${SPELLINGS.length} are closed, too`);
  });
  await findings.check("a wrong token", () =>
    closed("/health/detailed", { Authorization: `Bearer ${"wrong".repeat(8)}` }),
  );
  await findings.check("the operator's token", () => withToken(probe));
  return findings.list;
}

async function withToken(probe: Probe): Promise<Verdict> {
  const { operatorToken } = probe.options;
  if (operatorToken === null) return skipped("none given (--operator-token-env)");
  const headers = { Authorization: `Bearer ${operatorToken}` };
  const reply = await probe.ask("/health/detailed", { headers, asIs: true });
  if (reply.status === 403) return ok("403: operator routes are not open from here at all");
  if (reply.status === 401) return failed("the server does not know this token");
  if (reply.status === 503) return failed("/health/detailed says unhealthy");
  return reply.status === 200
    ? ok("opens /health/detailed")
    : failed(`/health/detailed: ${described(reply)}`);
}
