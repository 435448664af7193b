import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { CATALOGUE, type ErrorCode } from "../../src/errors.ts";
import { render } from "./nginx-site.ts";

const REQUIRED = {
  SITE_NAMES: "pinhole.example",
  SITE_SERVERS: "10.0.0.1:8080 10.0.0.2:8080",
  SITE_CERTIFICATE: "/c.pem",
  SITE_CERTIFICATE_KEY: "/k.pem",
};

describe("render", () => {
  test("a list stands once for each item, and not at all when it is empty", () => {
    const site = render("site.conf.template", { ...REQUIRED, SITE_TRUSTED_PROXIES: "10.1.0.0/16 fd00::/8" });
    expect(site.match(/^ +server 10\.0\.0\.[12]:8080 max_fails=3 fail_timeout=2s;$/gm)).toHaveLength(2);
    expect(site.match(/set_real_ip_from/g)).toHaveLength(2);
    expect(site).not.toMatch(/^\s*allow /m);
    expect(site).toContain("least_conn;");
    expect(site).toContain("client_max_body_size 41m;");
    expect(site).toContain("return 308 https://$host$request_uri;");
    expect(site).not.toMatch(/@SITE|@include/);
  });

  test("nginx's own errors have the codes and titles of the catalogue", () => {
    const site = render("site.conf.template", REQUIRED);
    const pages = [...site.matchAll(/return (\d{3}) '(\{.*\})';/g)];
    const statuses = new Set(pages.map(([, status]) => Number(status)));
    for (const [, list] of site.matchAll(/^ +error_page ([\d ]+)/gm))
      for (const status of list!.trim().split(" ").map(Number))
        if (!statuses.has(status)) expect([414, 494, 495, 496, 497, 501]).toContain(status);
    for (const [, status, body] of pages) {
      const page = JSON.parse(body!.replaceAll("\\'", "'"));
      const { title } = CATALOGUE[page.error as ErrorCode];
      const own = { type: `urn:pinhole:problem:${page.error}`, title, status: Number(status) };
      expect(page).toMatchObject({ ...own, request_id: "$pinhole_request_id", message: page.detail });
    }
    expect([...statuses].sort()).toEqual([400, 403, 404, 405, 408, 413, 421, 429, 500, 502, 503, 504]);
  });

  test("its variables are the ones that the example and the guide know", async () => {
    const root = new URL("../../", import.meta.url).pathname;
    const names = async (path: string, pattern: RegExp) =>
      [...(await Bun.file(join(root, path)).text()).matchAll(pattern)].map(([, name]) => name!).sort();
    const taken = await names("deploy/nginx/render", /^: "\$\{(SITE_\w+):[=?]/gm);
    expect(taken.length).toBeGreaterThan(15);
    expect(await names("deploy/nginx/site.env.example", /^#?(SITE_\w+)=/gm)).toEqual(taken);
    expect(await names("docs/operations-nginx.md", /^\| `(SITE_\w+)` \|/gm)).toEqual(taken);
    const example = Bun.spawnSync([
      join(root, "deploy/nginx/render"),
      "site.conf.template",
      join(root, "deploy/nginx/site.env.example"),
    ]);
    expect(example.exitCode).toBe(0);
    expect(example.stdout.toString()).toContain("server_name pinhole.example.com;");
  });

  test("each client to one server", () => {
    const site = render("site.conf.template", { ...REQUIRED, SITE_BALANCE: "client" });
    expect(site).toContain("hash $pinhole_client consistent;");
    expect(site).not.toContain("least_conn;");
  });

  test.each([
    [{ SITE_NAMES: "" }, "SITE_NAMES"],
    [{ SITE_SERVERS: "" }, "SITE_SERVERS"],
    [{ SITE_CERTIFICATE: "" }, "SITE_CERTIFICATE"],
    [{ SITE_NAMES: "a; return 200" }, "SITE_NAMES"],
    [{ SITE_CERTIFICATE: "/c.pem\nfoo" }, "SITE_CERTIFICATE"],
    [{ SITE_BALANCE: "random" }, "least_conn or client"],
    [{ SITE_REQUEST_MAX_MB: "40m" }, "SITE_REQUEST_MAX_MB"],
  ])("%j is refused", (wrong, says) => {
    expect(() => render("site.conf.template", { ...REQUIRED, ...wrong })).toThrow(says);
  });
});
