import { swagger } from "@elysiajs/swagger";
import swaggerUi from "swagger-ui-dist/package.json" with { type: "json" };
import { PinholeError } from "../errors.ts";
import { documentFrame } from "./openapi/document.ts";
import { routes } from "./routes.ts";
import { VERSION } from "./version.ts";

/** The page loads from here only, and runs no script that stands in it. Swagger UI sets styles on elements. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const INIT = `window.ui = SwaggerUIBundle({
  url: "/swagger/json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
`;

const CSS = "text/css; charset=utf-8";
const JAVASCRIPT = "text/javascript; charset=utf-8";

/** The only files that can be asked for. */
const ASSETS: ReadonlyMap<string, { type: string; body: () => Blob | string }> = new Map([
  ["swagger-ui.css", { type: CSS, body: () => packaged("swagger-ui-dist/swagger-ui.css") }],
  [
    "swagger-ui-bundle.js",
    { type: JAVASCRIPT, body: () => packaged("swagger-ui-dist/swagger-ui-bundle.js") },
  ],
  ["init.js", { type: JAVASCRIPT, body: () => INIT }],
]);

/** The address of an asset changes with what is in it, so a browser may keep it for good. */
const ASSETS_VERSION = `${swaggerUi.version}-${VERSION}`;

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pinhole API</title>
<link rel="stylesheet" href="/swagger/assets/swagger-ui.css?v=${ASSETS_VERSION}">
<link rel="icon" href="data:,">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; the document itself is at <a href="/swagger/json">/swagger/json</a>.</noscript>
<script src="/swagger/assets/swagger-ui-bundle.js?v=${ASSETS_VERSION}"></script>
<script src="/swagger/assets/init.js?v=${ASSETS_VERSION}"></script>
</body>
</html>
`;

/** The API's description at `/swagger/json`, and a page to read it with, all served from here. */
export function swaggerRoutes() {
  return (
    routes()
      .use(swagger({ path: "/swagger", documentation: documentFrame(VERSION), excludeStaticFile: false }))
      // Takes the place of the plugin's own page, which loads its script from another host.
      .get(
        "/swagger",
        ({ set }) => {
          set.headers["content-type"] = "text/html; charset=utf-8";
          set.headers["content-security-policy"] = PAGE_POLICY;
          set.headers["cache-control"] = "no-cache";
          return page;
        },
        { detail: { hide: true } },
      )
      .get("/swagger/assets/:file", ({ params: { file } }) => assetResponse(file), {
        detail: { hide: true },
      })
  );
}

/** @throws PinholeError NOT_FOUND for anything but the listed files */
function assetResponse(file: string): Response {
  const asset = ASSETS.get(file);
  if (asset === undefined) throw new PinholeError("NOT_FOUND", "There is nothing at this address.");
  return new Response(asset.body(), {
    headers: { "content-type": asset.type, "cache-control": "public, max-age=31536000, immutable" },
  });
}

const packaged = (path: string): Blob => Bun.file(Bun.resolveSync(path, import.meta.dir));
