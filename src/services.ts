import { resolve } from "node:path";
import { clientHash, loadSecret } from "./admission/client-hash.ts";
import { type Clock, type NewId, randomId, systemClock } from "./clock.ts";
import { composeHealth } from "./composition/health.ts";
import { composeLimits } from "./composition/limits.ts";
import { composeMemory } from "./composition/memory.ts";
import { composeMaintenance, composeRecords } from "./composition/records.ts";
import type { Shared } from "./composition/shared.ts";
import { composeWalk } from "./composition/walk.ts";
import { composeWorkers } from "./composition/workers.ts";
import { createApp } from "./http/app.ts";
import { VERSION } from "./http/version.ts";
import { WORKER_STATES } from "./inference/pool-worker.ts";
import { ModelRepository } from "./model-repository/repository.ts";
import { predictionRow } from "./recording/prediction-row.ts";
import type { Config } from "./settings.ts";
import type { LinkedProcess, SupervisorLink } from "./supervisor/supervisor-link.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { ALONE } from "./telemetry/process-gauges.ts";
import { createTelemetry, type Telemetry } from "./telemetry/telemetry.ts";

/** How long a start that failed waits for those who are told of it. */
const FAREWELL_MS = 2000;

/** What a test may bring instead of the real thing. */
export interface Substitutes {
  clock?: Clock;
  newId?: NewId;
  random?: () => number;
  telemetry?: Telemetry;
}

/** What a server process is given by whoever started it. */
interface Given extends Substitutes {
  /** Null where nobody supervises: then it is the only one. */
  link?: SupervisorLink | null;
}

export type Services = Awaited<ReturnType<typeof createServices>>;

/**
 * Builds the whole server in dependency order, with every model warm in every worker; nothing listens yet.
 * `close()` takes it down in reverse.
 * @throws RepositoryError, PinholeError (a model that cannot be run), or what the file system says of the data
 * directory; nothing is left running then
 */
export async function createServices(config: Config, given: Given = {}) {
  const { clock = systemClock, newId = randomId, random = Math.random, link = null } = given;
  const several = config.processes > 1 ? link : null;
  const isFirst = several === null || several.identity.process === 1;
  const writer = several === null ? null : String(several.identity.process);
  const telemetry =
    given.telemetry ??
    (await createTelemetry(config, { clock, newId, version: VERSION, writer, onLogTrouble: logTrouble }));
  const log = telemetry.logs.server;
  const metrics = new Metrics({ version: VERSION, bun: Bun.version });
  const shared: Shared = { config, clock, newId, random, log, metrics, several, isFirst, undo: [] };
  const close = async () => {
    for (const step of shared.undo.splice(0).reverse()) await step();
  };
  try {
    const state = { draining: false };
    const memory = composeMemory(shared);
    memory.stage("start");
    const { modelDefault: defaultModel } = config;
    const repository = await ModelRepository.open(resolve(config.modelsDir), { defaultModel });
    metrics.expectModels(repository.models.map(({ key }) => key));
    const records = composeRecords(shared, repository.models);
    const { predictions, recorder, activeClients } = records;
    const hashClient = clientHash(loadSecret(resolve(config.dataDir)));
    const rateLimit = composeLimits(shared, hashClient);
    memory.stage("loaded");
    const workers = await composeWorkers(shared, repository);
    const { pool, batcher } = workers;
    const walk = await composeWalk(shared, workers, repository, rateLimit, memory.shedding, (made) => {
      const row = predictionRow(made, clock.wall(), hashClient);
      activeClients.add(row.clientHash, row.createdAt);
      recorder.record(row);
    });
    const { admission, fairQueue, cache, predictor } = walk;
    memory.watch({
      relieve() {
        void cache.clear();
        pool.collect();
        Bun.gc(true);
      },
    });
    if (isFirst) composeMaintenance(shared, records, () => admission.admitted === 0);
    const isDraining = () => state.draining;
    const { monitor, system } = await composeHealth(shared, {
      repository,
      records,
      workers,
      walk,
      memory,
      isDraining,
    });

    metrics.observe({
      admission: walk.figures,
      reading: () => walk.reading,
      queueDrops: () => fairQueue.dropped,
      batcher: () => ({ waiting: batcher.waiting }),
      workers: () => ({
        ...Object.fromEntries(WORKER_STATES.map((name) => [name, pool.count(name)])),
        missing: workers.workerCount - workers.usableWorkers(),
      }),
      cache: () => cache.statistics(),
      rateLimits: () => rateLimit.statistics(),
      recorder: () => {
        const { waiting, written, failures, dropped } = recorder.statistics();
        const lost = dropped.buffer_full + dropped.closed + dropped.rejected;
        return { healthy: recorder.healthy, waiting, written, failures, dropped: lost };
      },
      memory: () => ({ shedding: memory.shedding(), ...memory.limits }),
      activeClients: () => activeClients.count(clock.wall()),
      telemetry: () => telemetry.statistics(),
      limits: config,
      system: () => system.read(),
      processes: async () => ({
        figures: link === null ? ALONE : await link.ask("processes", null).catch(() => null),
        unanswered: link?.unanswered ?? 0,
      }),
      health: () => ({ ready: monitor.ready, checks: monitor.latest ?? {} }),
    });

    if (several !== null) metrics.exposeAll((own) => several.ask("metrics", own));

    const app = createApp({
      config,
      clock,
      newId,
      log,
      logs: telemetry.logs,
      tracing: telemetry.tracing,
      predictor,
      repository,
      rateLimit,
      cache,
      predictions: { find: (id) => recorder.find(id), page: (request) => predictions.page(request) },
      health: monitor,
      healthHistory: records.healthHistory,
      system,
      admission: walk.figures,
      metrics,
      clientHash: hashClient,
      state,
      tellOthers: (order) => several?.order(order),
    });
    return {
      app,
      config,
      clock,
      log,
      telemetry,
      state,
      admission,
      repository,
      predictor,
      /** Writes every record that waits. */
      flush: () => recorder.flush(),
      /** What the supervisor may want of this process. */
      linked: {
        // A pool that has stalled for longer than a deadline answers nobody.
        isWorking: () => pool.stalledMs <= config.deadlineMs,
        metrics: () => metrics.snapshot(),
        obey(order) {
          if (order.kind === "log_level") telemetry.logs.level = order.level;
          else if (order.model === null) cache.clear();
          else cache.invalidate(order.model);
        },
      } satisfies LinkedProcess,
      onLost: workers.onLost,
      memory,
      close,
    };
  } catch (error) {
    await close();
    await telemetry.close(FAREWELL_MS);
    throw error;
  }
}

/** The log cannot say that it cannot be written. */
function logTrouble(error: unknown): void {
  console.error(`the log cannot be written: ${error}`);
}
