import type { Outcome } from "./outcome.ts";

/** What a JUnit report says, and which files it speaks of. */
export interface JunitReport extends Outcome {
  files: Set<string>;
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return ENTITIES[name] ?? whole;
  });
}

function attribute(tag: string, name: string): string {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag);
  return found ? unescapeXml(found[1]!) : "";
}

/**
 * Counts the test cases of a JUnit report one by one (the totals in its head are somebody else's sum): with a
 * `failure` or an `error` failed, with `skipped` skipped, otherwise passed. Throws where there is no report.
 */
export function parseJunit(xml: string): JunitReport {
  if (!/<testsuites?[\s>]/.test(xml)) throw new Error("not a JUnit report");
  const report: JunitReport = { passed: 0, failed: 0, failures: [], skipped: [], files: new Set() };
  for (const [suite] of xml.matchAll(/<testsuite\s[^>]*>/g)) {
    const file = attribute(suite, "file");
    if (file) report.files.add(file);
  }
  for (const [, tag, body] of xml.matchAll(
    /<testcase((?:\s[\w:.-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const where = [attribute(tag!, "file") || attribute(tag!, "classname"), attribute(tag!, "name")];
    const name = where.filter(Boolean).join(" > ");
    if (/<(?:failure|error)[\s>/]/.test(body ?? "")) {
      report.failed++;
      report.failures.push(name);
    } else if (/<skipped[\s>/]/.test(body ?? "")) {
      report.skipped.push(name);
    } else {
      report.passed++;
    }
  }
  return report;
}
