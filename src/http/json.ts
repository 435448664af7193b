import type { ResponseHeaders } from "./allowance.ts";

/** A JSON body for the handler to return; what it says changes from one moment to the next, so nobody keeps it. */
export function json(headers: ResponseHeaders, body: unknown): string {
  headers["content-type"] = "application/json";
  headers["cache-control"] = "no-store";
  return JSON.stringify(body);
}
