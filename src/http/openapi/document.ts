import type { OpenApi } from "./operation.ts";
import { SCHEMAS } from "./schemas.ts";

const DESCRIPTION = `Photographs in, calibrated answers out.

Every answer that this server writes carries \`X-Request-Id\`; every error is \`application/problem+json\` (RFC 9457) with its code in \`error\`. Addresses answer HEAD where they answer GET, and OPTIONS with the methods that they take; any other method is 405 with \`Allow\`. Where the server is set so, requests that came to its proxy over plain HTTP are sent to HTTPS by 308 (GET, HEAD) or refused by 403.

Some requests are answered before they reach the server's own code, without a body and without these headers: 400 for broken HTTP, 413 for a body far past the largest request (a body a little past it gets the problem document), 431 for too many or too large header fields (about 200 fields or 16 KB).`;

const text = (description: string, example: string): OpenApi => ({
  description,
  schema: { type: "string" },
  example,
});
const whole = (description: string): OpenApi => ({
  description,
  schema: { type: "integer", minimum: 0 },
});

/** Everything of the OpenAPI document that belongs to no single route. */
export function documentFrame(version: string): OpenApi {
  return {
    openapi: "3.1.0",
    info: { title: "Pinhole", version, description: DESCRIPTION },
    servers: [{ url: "/", description: "This server" }],
    tags: [
      { name: "predict", description: "Photographs in, answers out." },
      { name: "models", description: "What the server can recognise." },
      { name: "predictions", description: "Records of past predictions." },
      { name: "health", description: "For orchestrators and balancers; never limited." },
      { name: "operator", description: "For whoever runs the server; wants the operator's token." },
    ],
    components: {
      schemas: SCHEMAS,
      securitySchemes: {
        operatorToken: { type: "http", scheme: "bearer", description: "PINHOLE_OPERATOR_TOKEN" },
      },
      parameters: {
        RequestId: {
          name: "X-Request-Id",
          in: "header",
          description: "Kept when it matches [A-Za-z0-9._-]{1,64}, replaced otherwise. For logs only.",
          schema: { type: "string" },
        },
      },
      headers: {
        RequestId: {
          description: "Names this request in the logs.",
          required: true,
          schema: { type: "string", pattern: "^[A-Za-z0-9._-]{1,64}$" },
        },
        RetryAfter: {
          description: "Seconds after which to try again.",
          required: true,
          schema: { type: "integer", minimum: 1 },
        },
        WwwAuthenticate: {
          ...text("How to authenticate (RFC 9110).", 'Bearer realm="pinhole"'),
          required: true,
        },
        RateLimitPolicy: text("The limit: requests (q) in a window of seconds (w).", '"predict";q=30;w=60'),
        RateLimit: text(
          "What is left (r), and seconds until all of it is there again (t).",
          '"predict";r=29;t=41',
        ),
        XRateLimitLimit: whole("Requests in one window."),
        XRateLimitRemaining: whole("Requests left now."),
        XRateLimitReset: whole("Seconds until the whole limit is there again."),
        ServerTiming: text(
          "Milliseconds per stage (W3C Server Timing).",
          "read;dur=0.4, infer;dur=1.9, total;dur=3.2",
        ),
        PreferenceApplied: text("The preference that was heeded.", "handling=strict"),
      },
    },
  };
}
