import { join, resolve } from "node:path";
import { openDatabase } from "../db/connection.ts";
import { HealthChecks } from "../db/health-checks.ts";
import { Maintenance } from "../db/maintenance.ts";
import { migrate } from "../db/migrate.ts";
import { ModelVersions } from "../db/models.ts";
import { Predictions } from "../db/predictions.ts";
import { Admission } from "./admission/admission.ts";
import { clientHash, loadSecret } from "./admission/client-hash.ts";
import { FairQueue } from "./admission/fair-queue.ts";
import { Reading } from "./admission/reading.ts";
import { SlidingWindowRateLimit } from "./admission/sliding-window.ts";
import { Turnstile } from "./admission/turnstile.ts";
import { type Clock, every, type NewId, randomId, systemClock } from "./clock.ts";
import { usableCores } from "./cores.ts";
import { PinholeError } from "./errors.ts";
import {
  databaseCheck,
  diskCheck,
  eventLoopCheck,
  memoryCheck,
  modelsCheck,
  queueCheck,
  recorderCheck,
  workersCheck,
} from "./health/checks.ts";
import { HealthMonitor } from "./health/monitor.ts";
import { HealthWatch } from "./health/watch.ts";
import { createApp } from "./http/app.ts";
import { VERSION } from "./http/version.ts";
import { LruStore } from "./inference/answer-store.ts";
import { Batcher } from "./inference/batcher.ts";
import { AnswerCache } from "./inference/cache.ts";
import { Decoder, hardenSharp } from "./inference/decode.ts";
import { explain } from "./inference/explanation.ts";
import { WORKER_STATES } from "./inference/pool-worker.ts";
import { Predictor } from "./inference/predictor.ts";
import { type Score, scoreBytes } from "./inference/score.ts";
import { WORKER_EVENTS } from "./inference/worker-events.ts";
import { ThreadPool } from "./inference/worker-pool.ts";
import { memoryLimitBytes } from "./memory-limit.ts";
import { ModelRepository } from "./model-repository/repository.ts";
import { predictionRow } from "./recording/prediction-row.ts";
import { WriteBehindRecorder } from "./recording/write-behind.ts";
import type { Config } from "./settings.ts";
import { ActiveClients } from "./telemetry/active-clients.ts";
import { EventLoopDelay } from "./telemetry/event-loop-delay.ts";
import { Metrics } from "./telemetry/metrics.ts";
import { SystemReader } from "./telemetry/system-figures.ts";
import { createTelemetry, type Telemetry } from "./telemetry/telemetry.ts";

const WORKER = new URL("../workers/inference.worker.ts", import.meta.url);
/** Enough that every worker has a full batch waiting while the next is decoded. */
const IN_FLIGHT_PER_WORKER = 8;
/** How long a start that failed waits for those who are told of it. */
const FAREWELL_MS = 2000;
/** Past the deadline nobody waits for a batch; some are only slow, as when the machine is busy with others. */
const WEDGED_MARGIN_MS = 5000;
const SWEEP_INTERVAL_MS = 10_000;
const MAINTENANCE_INTERVAL_MS = 300_000;
const DAY_MS = 86_400_000;

/** What a test may bring instead of the real thing. */
export interface Substitutes {
  clock?: Clock;
  newId?: NewId;
  random?: () => number;
  telemetry?: Telemetry;
}

export type Services = Awaited<ReturnType<typeof createServices>>;

/**
 * Builds the whole server in dependency order, with every model warm in every worker; nothing listens yet.
 * `close()` takes it down in reverse.
 * @throws RepositoryError, PinholeError (a model that cannot be run), or what the file system says of the data
 * directory; nothing is left running then
 */
export async function createServices(config: Config, substitutes: Substitutes = {}) {
  const { clock = systemClock, newId = randomId, random = Math.random } = substitutes;
  const telemetry =
    substitutes.telemetry ??
    (await createTelemetry(config, { clock, newId, version: VERSION, onLogTrouble: logTrouble }));
  const log = telemetry.logs.server;
  const undo: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const state = { draining: false };
    const repository = await ModelRepository.open(resolve(config.modelsDir), {
      defaultModel: config.modelDefault,
    });
    const metrics = new Metrics({ version: VERSION, bun: Bun.version });
    metrics.expectModels(repository.models.map(({ key }) => key));

    const database = openDatabase(join(resolve(config.dataDir), "pinhole.sqlite"), {
      clock,
      slowQueryMs: config.databaseSlowQueryMs,
      onSlowQuery: (query) => log.warn(query, "slow query"),
    });
    undo.push(() => database.close());
    migrate(database);
    const predictions = new Predictions(database);
    const activeClients = recentClients(predictions, clock);
    const modelVersions = new ModelVersions(database);
    for (const { manifest } of repository.models) modelVersions.noteLoaded(manifest, clock.wall());

    const recorder = new WriteBehindRecorder({
      sink: predictions,
      bufferRows: config.recordBufferRows,
      flushIntervalMs: config.recordFlushIntervalMs,
      clock,
      onTrouble: (err) => log.error({ err }, "records cannot be written"),
      onRecovery: () => log.info("records are written again"),
    });
    undo.push(() => recorder.close());

    const hashClient = clientHash(loadSecret(resolve(config.dataDir)));
    const rateLimit = withOperatorLimit(
      createRateLimit(config, clock, hashClient),
      config,
      clock,
      hashClient,
    );
    undo.push(every(clock, SWEEP_INTERVAL_MS, () => rateLimit.sweep()));
    const admission = new Admission({
      ...config,
      clock,
      random,
      onDrop: (reason) => metrics.drop(reason),
    });
    const reading = new Reading({ ...config, admission, clock, random });

    const workerCount = config.workerCount || usableCores();
    const fairQueue = new FairQueue({
      inFlightMax: config.inFlightMax || IN_FLIGHT_PER_WORKER * workerCount,
      capacity: config.queueCapacity,
      retryAfterSeconds: () => admission.retryAfterSeconds(),
    });
    let onLost: () => void = () => undefined;
    const pool = new ThreadPool({
      worker: WORKER,
      size: workerCount,
      models: repository.models,
      clock,
      wedgedMs: config.workerWedgedMs || config.deadlineMs + WEDGED_MARGIN_MS,
      recycle: { batches: config.workerRecycleBatches, random },
      onEvent: (event) => {
        metrics.workerEvent(event.event);
        log[WORKER_EVENTS[event.event]](event, event.event.replaceAll("_", " "));
      },
      onLost: () => {
        for (const { key } of repository.models) repository.markNotReady(key);
        // What the workers that are left can still answer, they do.
        if (usableWorkers() === 0)
          batcher.abandon(new PinholeError("MODEL_NOT_READY", "No worker is left: try again shortly."));
        onLost();
      },
    });
    const usableWorkers = () => pool.idle + pool.busy;
    const batcher = new Batcher({
      pool,
      clock,
      onBatch: (model, rows) => metrics.batch(model.key, rows),
      onRun: (model, rows) => metrics.run(model.key, rows),
      onDrop: (reason) => metrics.drop(reason),
    });
    undo.push(() => pool.close());
    await pool.start();
    for (const { key } of repository.models) repository.markReady(key);

    hardenSharp();
    const store = new LruStore<Score>({
      maxBytes: config.cacheMaxBytes,
      ttlMs: config.cacheTtlSeconds * 1000,
      sizeOf: scoreBytes,
      clock,
    });
    const cache = new AnswerCache<Score>({ enabled: config.cacheEnabled, store, clock });
    const decodeCaps = { maxPixels: config.imageMaxPixels, timeoutMs: config.decodeTimeoutMs };
    const predictor = new Predictor({
      clock,
      newId,
      rateLimit,
      repository,
      reading,
      readLimits: {
        imageMaxBytes: config.imageMaxBytes,
        requestMaxBytes: config.requestMaxBytes,
        requestMaxImages: config.requestMaxImages,
        timeoutMs: config.readTimeoutMs,
        minBytesPerSecond: config.readMinBytesPerSecond,
      },
      imageLimits: {
        types: config.imageTypes,
        maxBytes: config.imageMaxBytes,
        maxPixels: config.imageMaxPixels,
        progressiveMaxPixels: config.imageProgressiveMaxPixels,
        maxScans: config.imageMaxScans,
        maxMegapixelScans: config.imageMaxMegapixelScans,
        maxFrames: config.imageMaxFrames,
      },
      cache,
      fairQueue,
      decodeTurns: new Turnstile(config.decodeConcurrency || workerCount),
      decoder: new Decoder(decodeCaps),
      batcher,
      explain: (image, map, target) => explain(image, map, target, decodeCaps),
      deadlineMs: config.deadlineMs,
      onDrop: (reason) => metrics.drop(reason),
      fallbackEnabled: config.fallbackEnabled,
      onInferenceFailure: (err, { requestId }) =>
        log.error({ err, request_id: requestId }, "inference failed"),
      record(made) {
        const row = predictionRow(made, clock.wall(), hashClient);
        activeClients.add(row.clientHash, row.createdAt);
        recorder.record(row);
      },
    });

    const history = new HealthChecks(database);
    const maintenance = new Maintenance({
      database,
      predictions,
      healthChecks: history,
      retentionDays: config.retentionDays,
      retentionRows: config.retentionRows,
      healthRetentionDays: config.healthRetentionDays,
      clock,
      idle: () => admission.admitted === 0,
    });
    const tidy = () =>
      void maintenance.run().catch((err: unknown) => log.error({ err }, "database maintenance failed"));
    undo.push(() => maintenance.close());
    undo.push(every(clock, MAINTENANCE_INTERVAL_MS, tidy));
    tidy();

    const delay = new EventLoopDelay(clock);
    undo.push(() => delay.close());
    const memoryBytes = memoryLimitBytes();
    const system = new SystemReader({
      dataDir: resolve(config.dataDir),
      memoryLimitBytes: memoryBytes,
      usableCores: usableCores(),
      clock,
      eventLoopDelay: () => delay.read(),
    });
    const readyModels = () => repository.models.filter(({ key }) => repository.isReady(key)).length;
    const health = new HealthMonitor({
      clock,
      isReady: () => usableWorkers() > 0 && repository.isReady(repository.defaultModel.key),
      isDraining: () => state.draining,
      checks: {
        database: databaseCheck(() => database.ping(), config.healthDatabaseMs),
        recorder: recorderCheck(recorder),
        disk: diskCheck(resolve(config.dataDir), {
          freeShare: config.healthDiskFreeShare,
          freeBytes: config.healthDiskFreeBytes,
        }),
        memory: memoryCheck(() => process.memoryUsage.rss(), memoryBytes, config.healthMemoryShare),
        event_loop: eventLoopCheck(() => delay.read().maxMs, config.healthEventLoopMs),
        workers: workersCheck(usableWorkers, workerCount),
        models: modelsCheck(readyModels, repository.models.length),
        queue: queueCheck(() => admission.admitted, config.queueCapacity, config.healthQueueShare),
      },
    });
    const watch = new HealthWatch({
      monitor: health,
      keep: ({ status, checks }) => history.insert({ createdAt: clock.wall(), status, checks }),
      onChange: (change) => {
        if (change.state === "ok") log.info(change, "health check recovered");
        else log.warn(change, "health check failing");
      },
    });
    const look = () =>
      watch.run().catch((err: unknown) => log.error({ err }, "a health report was not kept"));
    undo.push(every(clock, config.healthIntervalSeconds * 1000, () => void look()));
    await look();

    metrics.observe({
      admission: () => ({
        admitted: admission.admitted,
        queued: fairQueue.waiting,
        inFlight: fairQueue.inFlight,
        heldBytes: admission.bytes,
      }),
      reading: () => reading,
      queueDrops: () => fairQueue.dropped,
      batcher: () => ({ waiting: batcher.waiting }),
      workers: () => ({
        ...Object.fromEntries(WORKER_STATES.map((state) => [state, pool.count(state)])),
        missing: workerCount - usableWorkers(),
      }),
      cache: () => cache.statistics(),
      rateLimits: () => rateLimit.statistics(),
      recorder: () => {
        const { waiting, written, dropped } = recorder.statistics();
        return { waiting, written, dropped: dropped.buffer_full + dropped.closed + dropped.rejected };
      },
      activeClients: () => activeClients.count(clock.wall()),
      telemetry: () => telemetry.statistics(),
      limits: config,
      system: () => system.read(),
      health: () => ({ ready: health.ready, checks: health.latest ?? {} }),
    });

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
      health,
      healthHistory: history,
      system,
      metrics,
      clientHash: hashClient,
      state,
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
      /** Whether the worker pool gets anywhere: what has stalled for longer than a deadline answers nobody. */
      isWorking: () => pool.stalledMs <= config.deadlineMs,
      /** Told once when so many workers are lost that the process must be replaced. */
      onLost(listener: () => void) {
        onLost = listener;
      },
      close,
    };
  } catch (error) {
    await close();
    await telemetry.close(FAREWELL_MS);
    throw error;
  }
}

/** Counts on where the records say who was there before a restart. */
function recentClients(predictions: Predictions, clock: Clock): ActiveClients {
  const clients = new ActiveClients();
  const yesterday = Math.floor(clock.wall() / DAY_MS) - 1;
  for (const { clientHash, day } of predictions.clientDaysSince(yesterday * DAY_MS))
    clients.add(clientHash, day * DAY_MS);
  return clients;
}

function createRateLimit(config: Config, clock: Clock, hashClient: (key: string) => string) {
  const windowSeconds = config.rateLimitWindowSeconds;
  return new SlidingWindowRateLimit({
    enabled: config.rateLimitEnabled,
    policies: [
      { name: "predict", limit: config.rateLimitRequests, windowSeconds },
      { name: "read", limit: config.rateLimitReadRequests, windowSeconds },
    ],
    clientsMax: config.rateLimitClientsMax,
    clock,
    hashClient,
  });
}

/** Guesses at the operator's token are limited even where clients are not. */
function withOperatorLimit(
  clients: SlidingWindowRateLimit,
  config: Config,
  clock: Clock,
  hashClient: (key: string) => string,
) {
  const operators = new SlidingWindowRateLimit({
    enabled: true,
    policies: [{ name: "operator", limit: 10, windowSeconds: 60 }],
    clientsMax: config.rateLimitClientsMax,
    clock,
    hashClient,
  });
  const of = (policy: string) => (policy === "operator" ? operators : clients);
  return {
    take: (policy: string, clientKey: string) => of(policy).take(policy, clientKey),
    peek: (policy: string, clientKey: string) => of(policy).peek(policy, clientKey),
    statistics: () => [...clients.statistics(), ...operators.statistics()],
    sweep: () => clients.sweep() + operators.sweep(),
  };
}

/** The log cannot say that it cannot be written. */
function logTrouble(error: unknown): void {
  console.error(`the log cannot be written: ${error}`);
}
