import { expect, test } from "bun:test";
import { htmlOf } from "./page.ts";
import { factsOf, reportFor, summaryOf } from "./report.fixture.ts";
import { reportOf } from "./report.ts";
import { textOf } from "./terminal.ts";

test("the page has every plot and every table, and its verdict", () => {
  const html = htmlOf(reportFor("steady"));
  const titles = [...html.matchAll(/<(?:figcaption|h2)>([^<]*)</g)].map(([, title]) => title);
  expect(titles).toEqual([
    "Requests per second, by how they ended",
    "Time of the answered predictions",
    "Where a prediction spends its time, mean",
    "Resident memory of the server",
    "In the server at once",
    "Cores that the server keeps busy",
    "What was asked of it",
    "By station, from Server-Timing",
    "How requests ended",
  ]);
  expect(html).toContain('<span class="badge good">passed</span>');
  expect(html).toContain("<b>1,400</b>");
  expect(html).not.toMatch(/NaN|undefined|null|Infinity/);
});

test("it needs nothing from elsewhere and runs nothing", () => {
  const html = htmlOf(reportFor("mixed"));
  expect(html).not.toMatch(/<script|<link|<img|@import|url\(|src=| on[a-z]+=/i);
});

test("words of others are escaped", () => {
  expect(htmlOf(reportFor("steady"))).toContain("k6 v1.8.1 on 2 x &#60;made up&#62;");
});

test("every tag that is opened is closed", () => {
  const open: string[] = [];
  const html = htmlOf(reportFor("mixed")).replace(/<style>[\s\S]*?<\/style>/, "");
  for (const [, slash, name, empty] of html.matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/g)) {
    if (slash) expect(open.pop()).toBe(name);
    else if (!empty && name !== "meta") open.push(name!);
  }
  expect(open).toEqual([]);
});

test("a failed run says so, on the page and in the last line of the text", () => {
  const errors = { passes: 28, fails: 1372, value: 0.02, thresholds: { "rate<0.01": true } };
  const report = reportFor("steady", { errors });
  expect(htmlOf(report)).toContain('<span class="badge bad">failed</span>');
  expect(textOf(report)).toEndWith("\nsteady: FAILED");
  expect(textOf(report)).toContain("FAIL   share of errors");
});

test("without a look into the server its plots are left out, and nothing is made up", () => {
  const report = reportOf(factsOf("steady"), summaryOf(), []);
  const html = htmlOf(report);
  expect(html.match(/<figcaption>/g)).toHaveLength(2);
  expect(html).not.toMatch(/NaN|undefined|null|Infinity/);
  expect(textOf(report)).not.toContain("server CPU");
});
