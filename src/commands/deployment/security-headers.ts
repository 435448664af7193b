import { type Finding, Findings, failed, ok, skipped, type Verdict, warning } from "./finding.ts";
import type { Probe, Reply } from "./probe.ts";

/** Half a year: below it browsers' lists do not take a host. */
const HSTS_MIN_SECONDS = 15_768_000;

interface Rule {
  header: string;
  /** What it is good for, told where it is missing. */
  why: string;
  /** The server sends it itself: where it is missing, something took it away. */
  ours: boolean;
  good(value: string): boolean;
}

/** For every answer. */
const RULES: Rule[] = [
  {
    header: "x-content-type-options",
    why: "without it browsers guess types, and a JSON answer may run as a page",
    ours: true,
    good: (value) => value.toLowerCase() === "nosniff",
  },
  {
    header: "content-security-policy",
    why: "an answer that is shown as a page must not be able to load or run anything",
    ours: false,
    good: (value) => /default-src 'none'|default-src 'self'/.test(value),
  },
  {
    header: "referrer-policy",
    why: "addresses hold prediction ids, which whoever holds them can read",
    ours: false,
    good: (value) => /^(no-referrer|same-origin|strict-origin)/.test(value),
  },
  {
    header: "x-frame-options",
    why: "for browsers that do not know frame-ancestors",
    ours: false,
    good: (value) => /^(deny|sameorigin)$/i.test(value),
  },
  {
    header: "cross-origin-resource-policy",
    why: "keeps answers out of other sites' processes",
    ours: false,
    good: (value) => value === "same-origin" || value === "same-site",
  },
];

/** Headers that protect clients. What only a proxy adds is a warning where it is missing. */
export async function checkHeaders(probe: Probe): Promise<Finding[]> {
  const findings = new Findings("headers");
  const replies = [await probe.ask("/health"), await probe.ask("/api/v1/nothing-here")];
  for (const rule of RULES) await findings.check(rule.header, () => judge(rule, replies));
  await findings.check("strict-transport-security", () => transport(probe, replies[0]!));
  await findings.check("errors are not stored", () => {
    const value = replies[1]!.headers.get("cache-control") ?? "";
    return value.includes("no-store")
      ? ok(value)
      : failed(`Cache-Control of a 404 is "${value}", not no-store`);
  });
  await findings.check("documentation page", async () => {
    const { status, headers } = await probe.ask("/swagger");
    if (status !== 200) return skipped(`/swagger answers ${status}`);
    const policy = headers.get("content-security-policy") ?? "";
    return /script-src 'self'(;|$)/.test(policy)
      ? ok("runs scripts of its own only")
      : failed("/swagger has no Content-Security-Policy that allows only scripts of its own");
  });
  await findings.check("nothing told about the software", () => software(replies[0]!));
  await findings.check("other sites' pages", () => foreignOrigin(probe));
  return findings.list;
}

function judge({ header, why, ours, good }: Rule, replies: Reply[]): Verdict {
  const values = replies.map(({ headers }) => headers.get(header));
  const wrong = values.find((value) => value === null || !good(value));
  if (wrong === undefined) return ok(values[0]!);
  const detail = `${wrong === null ? "missing" : `"${wrong}"`}: ${why}`;
  return ours ? failed(detail) : warning(`${detail}; set it in the proxy`);
}

function transport(probe: Probe, { headers }: Reply): Verdict {
  if (probe.url.protocol !== "https:") return skipped("means nothing over plain HTTP");
  const value = headers.get("strict-transport-security");
  const seconds = Number(/max-age=(\d+)/.exec(value ?? "")?.[1] ?? 0);
  return seconds >= HSTS_MIN_SECONDS
    ? ok(value!)
    : warning(
        `${value ?? "missing"}: without it a first request can be kept on plain HTTP; set it in the proxy`,
      );
}

function software({ headers }: Reply): Verdict {
  const told = ["server", "x-powered-by", "via"].flatMap((name) => {
    const value = headers.get(name);
    return value !== null && (/\d/.test(value) || name === "x-powered-by") ? [`${name}: ${value}`] : [];
  });
  return told.length === 0 ? ok("no versions") : warning(`${told.join(", ")}: tells attackers what to try`);
}

/** A page elsewhere must not be able to read answers with its visitor's credentials. */
async function foreignOrigin(probe: Probe): Promise<Verdict> {
  const origin = "https://check-deployment.invalid";
  const { headers } = await probe.ask("/api/v1/model_info", { headers: { Origin: origin } });
  const allowed = headers.get("access-control-allow-origin");
  if (allowed === origin && headers.get("access-control-allow-credentials") === "true")
    return failed("any origin is allowed, with credentials: list the origins that are yours");
  if (allowed === origin) return warning("any origin is reflected: list the origins that are yours");
  return ok(allowed === null ? "may not read answers" : `Access-Control-Allow-Origin: ${allowed}`);
}
