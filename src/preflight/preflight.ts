import { statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Clock } from "../clock.ts";
import { isReportingForbidden } from "../config.ts";
import { workersFor } from "../cores.ts";
import { memoryLimitBytes } from "../memory-limit.ts";
import { modelFolders } from "../model-repository/model-folders.ts";
import type { Config } from "../settings.ts";
import { checkDatabase } from "./database.ts";
import { checkDescriptors, descriptorLimit } from "./descriptors.ts";
import { checkDisk } from "./disk.ts";
import { type Finding, findingsText } from "./finding.ts";
import { checkMemory } from "./memory.ts";
import { checkModels } from "./models.ts";
import { checkPermissions } from "./permissions.ts";
import { checkPort } from "./port.ts";
import { checkProxy } from "./proxy.ts";
import { checkReporting } from "./reporting.ts";
import { checkSecrets } from "./secrets.ts";
import { checkTime } from "./time.ts";

/** The server must not start like this; the message says what was found. */
export class PreflightError extends Error {
  override readonly name = "PreflightError";
}

export interface PreflightOptions {
  clock: Clock;
  /** Where `.env` lies. */
  directory: string;
  /** Reads a database of any size through. */
  thorough?: boolean;
  /** What the start finds out by itself right after: models are hashed and the port is bound only once then. */
  starting?: boolean;
}

/** Everything that can be known before the start, each check by itself; changes nothing. */
export async function preflight(config: Config, options: PreflightOptions): Promise<Finding[]> {
  const { clock, directory, thorough = false, starting = false } = options;
  const production = config.environment === "production";
  const dataDir = resolve(config.dataDir);
  const database = join(dataDir, "pinhole.sqlite");
  const workers = config.workerCount || workersFor(config.processes);
  const need = {
    processes: config.processes,
    workers,
    decodes: config.decodeConcurrency || workers,
    modelBytes: await modelBytes(resolve(config.modelsDir)),
    cacheBytes: config.cacheEnabled ? config.cacheMaxBytes : 0,
    queueBytes: config.queueMaxBytes,
    progressivePixels: config.imageProgressiveMaxPixels,
  };
  const { host, port, trustedProxies, hostsAllowed, queueCapacity, readConcurrency } = config;
  return [
    ...(starting ? [] : await checkModels(config.modelsDir, config.modelDefault)),
    ...checkDatabase(database, { thorough }),
    ...checkPermissions(dataDir),
    // Who would otherwise serve without records would not serve at all.
    ...checkDisk(dataDir).map((finding) => (starting ? softened(finding) : finding)),
    ...checkMemory(need, Math.min(process.availableMemory(), memoryLimitBytes())),
    ...checkDescriptors(descriptorLimit(), { queueCapacity, readConcurrency, workers }),
    ...(starting ? [] : await checkPort(host, port)),
    ...checkProxy({ production, host, trustedProxies, hostsAllowed }),
    ...checkSecrets({
      production,
      operatorToken: config.operatorToken,
      backupS3AccessKey: config.backupS3AccessKey,
      backupS3SecretKey: config.backupS3SecretKey,
      envFiles: [".env", ".env.local"].map((name) => join(directory, name)),
    }),
    ...checkTime(clock, database),
    // Each process has an environment of its own.
    ...(starting ? checkReporting(isReportingForbidden()) : []),
  ];
}

/** What the settings need of the open files that are allowed: told at every start, whatever the environment. */
export function descriptorsAtStart({
  processes,
  queueCapacity,
  readConcurrency,
  workerCount,
}: Config): string {
  const need = { queueCapacity, readConcurrency, workers: workerCount || workersFor(processes) };
  return checkDescriptors(descriptorLimit(), need)
    .map(({ found, advice }) => `Open files: ${found}${advice === null ? "" : `\n  -> ${advice}`}`)
    .join("\n");
}

/**
 * The same at the start of a server in production.
 * @returns what somebody should look at, in words; empty when all is well
 * @throws PreflightError when it must not start
 */
export async function preflightAtStart(config: Config, options: PreflightOptions): Promise<string> {
  const findings = await preflight(config, { ...options, starting: true });
  const bad = findings.filter(({ verdict }) => verdict !== "ok");
  if (bad.some(({ verdict }) => verdict === "fail"))
    throw new PreflightError(`Pinhole does not start like this:\n${findingsText(bad)}`);
  return bad.length > 0 ? findingsText(bad) : "";
}

const softened = (finding: Finding): Finding =>
  finding.verdict === "fail" ? { ...finding, verdict: "warn" } : finding;

/** Bytes of all files beside the manifests. Models that are not there are found missing elsewhere. */
async function modelBytes(modelsDir: string): Promise<number> {
  let total = 0;
  for (const { path } of await modelFolders(modelsDir).catch(() => [])) {
    for (const name of await readdir(path)) {
      const found = statSync(join(path, name), { throwIfNoEntry: false });
      if (found?.isFile() && /\.(onnx|data|bin|weights)$/.test(name)) total += found.size;
    }
  }
  return total;
}
