import { startServer } from "../../test/system/server.ts";
import { UsageError } from "./arguments.ts";
import { parseSample, type Sample } from "./exposition.ts";

/** The server under load: ours, or one that ran already. */
export interface Target extends AsyncDisposable {
  url: string;
  /** Null: `/metrics` and the history cannot be read. */
  operatorToken: string | null;
  /** Settings that were given to our own server; null: it is not ours. */
  settings: Record<string, string> | null;
}

/** Every virtual user is a client of its own, by X-Forwarded-For; a limit for each client would only be in the way. */
const SETTINGS = {
  PINHOLE_RATE_LIMIT_ENABLED: "false",
  PINHOLE_TRUSTED_PROXIES: "127.0.0.1",
};

/** Starts a server of our own with the default model and a data directory that goes with it. */
export async function ownTarget(scenarioSettings: Readonly<Record<string, string>>): Promise<Target> {
  const settings = { ...SETTINGS, ...scenarioSettings };
  const operatorToken = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("hex");
  const server = await startServer({ ...settings, PINHOLE_OPERATOR_TOKEN: operatorToken });
  return {
    url: server.url,
    operatorToken,
    settings,
    [Symbol.asyncDispose]: async () => void (await server.stop()),
  };
}

/**
 * A server that runs already.
 * @param operatorToken of that server, from the environment of whoever runs this
 * @throws UsageError where nothing is ready there
 */
export async function foreignTarget(url: string, operatorToken: string | undefined): Promise<Target> {
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(10_000) }).catch(
    (error: Error) => error,
  );
  if (response instanceof Error) throw new UsageError(`no server answers at ${url}: ${response.message}`);
  await response.body?.cancel();
  if (response.status !== 200)
    throw new UsageError(`the server at ${url} is not ready: /health/ready says ${response.status}`);
  return { url, operatorToken: operatorToken ?? null, settings: null, async [Symbol.asyncDispose]() {} };
}

/** One reading of `/metrics`, or null where it cannot be read. @param second when the load began is 0 */
export async function sampleOf(target: Target, second: number): Promise<Sample | null> {
  if (target.operatorToken === null) return null;
  const headers = { Authorization: `Bearer ${target.operatorToken}` };
  const options = { headers, signal: AbortSignal.timeout(5000) };
  const text = await fetch(`${target.url}/metrics`, options)
    .then((response) => (response.ok ? response.text() : null))
    .catch(() => null);
  return text === null ? null : parseSample(text, second);
}
