import type { ResponseHeaders } from "./allowance.ts";

/** A header that every answer of ours carries, and what it is for. */
export interface SecurityHeader {
  name: string;
  value: string;
  purpose: string;
  /** Where it has another value, or when it is there at all; everywhere otherwise. */
  where?: string;
}

/** Browser features that a page could ask for: an API wants none. */
const FEATURES = [
  "accelerometer",
  "camera",
  "display-capture",
  "geolocation",
  "gyroscope",
  "magnetometer",
  "microphone",
  "payment",
  "usb",
] as const;

/** After the OWASP Secure Headers project and its REST cheat sheet; docs/security.md is held to this table. */
export const SECURITY_HEADERS: readonly SecurityHeader[] = [
  {
    name: "Content-Security-Policy",
    value: "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    purpose:
      "An answer that a browser is made to show as a page loads nothing, sends nothing, sits in no frame.",
    where: "`/swagger` has one of its own, which lets it load its scripts and styles from here.",
  },
  {
    name: "X-Content-Type-Options",
    value: "nosniff",
    purpose: "Nothing that a caller sent and we echo is taken for a script or a page.",
  },
  {
    name: "X-Frame-Options",
    value: "DENY",
    purpose: "No frame, for browsers that do not know `frame-ancestors`.",
  },
  {
    name: "Referrer-Policy",
    value: "no-referrer",
    purpose: "Ids of predictions in an address are not told to other sites.",
  },
  {
    name: "Permissions-Policy",
    value: FEATURES.map((feature) => `${feature}=()`).join(", "),
    purpose: "No camera, place or sensor for anything that comes from here.",
  },
  {
    name: "Cross-Origin-Opener-Policy",
    value: "same-origin",
    purpose: "A window that opened ours, or that ours opened, has no hold of it.",
  },
  {
    name: "Cross-Origin-Resource-Policy",
    value: "same-origin",
    purpose:
      "Other sites cannot embed our answers and read them by side channels (CORS, where allowed, is not touched).",
  },
  {
    name: "Cross-Origin-Embedder-Policy",
    value: "require-corp",
    purpose: "What comes from here embeds nothing that did not agree to it.",
  },
  {
    name: "Origin-Agent-Cluster",
    value: "?1",
    purpose: "Browsers keep us in a process apart from our sister hosts.",
  },
  {
    name: "X-Permitted-Cross-Domain-Policies",
    value: "none",
    purpose: "PDF and Flash readers take no cross-domain policy from here.",
  },
  {
    name: "X-DNS-Prefetch-Control",
    value: "off",
    purpose: "Nobody learns from name look-ups what was in an answer.",
  },
  {
    name: "X-Download-Options",
    value: "noopen",
    purpose: "Old browsers do not open a download in our name.",
  },
  {
    name: "X-XSS-Protection",
    value: "0",
    purpose: "Switches off old browsers' filters, which could be turned against a page.",
  },
  {
    name: "X-Robots-Tag",
    value: "noindex, nofollow",
    purpose: "No search engine lists answers.",
  },
  {
    name: "Cache-Control",
    value: "no-store",
    purpose: "Answers are about one caller's photograph: nobody on the way keeps them.",
    where: "The files of `/swagger` may be kept.",
  },
];

/** One year; subdomains are their owner's affair. */
export const HSTS: SecurityHeader = {
  name: "Strict-Transport-Security",
  value: "max-age=31536000",
  purpose: "A browser that was here over TLS does not come back without.",
  where:
    "With `PINHOLE_HSTS=auto` on requests that came over TLS, as a trusted proxy's `X-Forwarded-Proto` says; `always` or `never` otherwise.",
};

/** Lower-case names, made once: writing them is one copy for each request. */
const READY: Readonly<Record<string, string>> = Object.freeze(
  Object.fromEntries(SECURITY_HEADERS.map(({ name, value }) => [name.toLowerCase(), value])),
);

/** To be called before anything else writes headers, for what a route says of itself counts. */
export function writeSecurityHeaders(headers: ResponseHeaders, hsts: boolean): void {
  Object.assign(headers, READY);
  if (hsts) headers["strict-transport-security"] = HSTS.value;
}
