import type { RunningServer } from "../system/server.ts";
import type { Specimen } from "./specimen.ts";

const GIVE_UP_MS = 30_000;

/** Posts a body as it is. The outcome: status and code ("422 INVALID_IMAGE"), "200", or what went wrong. */
export async function post(
  server: RunningServer,
  { bytes, contentType }: Pick<Specimen, "bytes" | "contentType">,
): Promise<{ outcome: string; ms: number }> {
  const from = performance.now();
  const outcome = await exchange(server, bytes, contentType).catch((thrown) => `no answer: ${thrown}`);
  return { outcome, ms: performance.now() - from };
}

async function exchange(server: RunningServer, body: Uint8Array<ArrayBuffer>, contentType: string) {
  const response = await fetch(`${server.url}/api/v1/predict`, {
    method: "POST",
    body,
    headers: { "Content-Type": contentType },
    signal: AbortSignal.timeout(GIVE_UP_MS),
  });
  const text = await response.text();
  // Bun refuses some requests by itself, without a body.
  if (text === "") return String(response.status);
  const json = JSON.parse(text) as { error?: string; fallback?: boolean };
  if (json.fallback) return `${response.status} fallback`;
  return json.error === undefined ? String(response.status) : `${response.status} ${json.error}`;
}
