import { resolve } from "node:path";
import { every } from "../clock.ts";
import { usableCores } from "../cores.ts";
import {
  databaseCheck,
  diskCheck,
  eventLoopCheck,
  memoryCheck,
  modelsCheck,
  queueCheck,
  recorderCheck,
  workersCheck,
} from "../health/checks.ts";
import { HealthMonitor } from "../health/monitor.ts";
import { HealthWatch } from "../health/watch.ts";
import { memoryLimitBytes } from "../memory-limit.ts";
import type { ModelRepository } from "../model-repository/repository.ts";
import { EventLoopDelay } from "../telemetry/event-loop-delay.ts";
import { SystemReader } from "../telemetry/system-figures.ts";
import type { composeRecords } from "./records.ts";
import type { Shared } from "./shared.ts";
import type { composeWalk } from "./walk.ts";
import type { composeWorkers } from "./workers.ts";

/** The checks with their thresholds, looked at now and every `PINHOLE_HEALTH_INTERVAL_SECONDS`. */
export async function composeHealth(
  { config, clock, log, undo }: Shared,
  parts: {
    repository: ModelRepository;
    records: ReturnType<typeof composeRecords>;
    workers: Awaited<ReturnType<typeof composeWorkers>>;
    walk: Awaited<ReturnType<typeof composeWalk>>;
    isDraining: () => boolean;
  },
) {
  const { repository, records, workers, walk, isDraining } = parts;
  const delay = new EventLoopDelay(clock);
  undo.push(() => delay.close());
  const dataDir = resolve(config.dataDir);
  const memoryBytes = memoryLimitBytes();
  const system = new SystemReader({
    dataDir,
    memoryLimitBytes: memoryBytes,
    usableCores: usableCores(),
    clock,
    eventLoopDelay: () => delay.read(),
  });
  const readyModels = () => repository.models.filter(({ key }) => repository.isReady(key)).length;
  const disk = { freeShare: config.healthDiskFreeShare, freeBytes: config.healthDiskFreeBytes };
  const monitor = new HealthMonitor({
    clock,
    isReady: () => workers.usableWorkers() > 0 && repository.isReady(repository.defaultModel.key),
    isDraining,
    checks: {
      database: databaseCheck(() => records.database.ping(), config.healthDatabaseMs),
      recorder: recorderCheck(records.recorder),
      disk: diskCheck(dataDir, disk),
      memory: memoryCheck(() => process.memoryUsage.rss(), memoryBytes, config.healthMemoryShare),
      event_loop: eventLoopCheck(() => delay.read().maxMs, config.healthEventLoopMs),
      workers: workersCheck(workers.usableWorkers, workers.workerCount),
      models: modelsCheck(readyModels, repository.models.length),
      queue: queueCheck(() => walk.admission.admitted, config.queueCapacity, config.healthQueueShare),
    },
  });
  const watch = new HealthWatch({
    monitor,
    keep: ({ status, checks }) => records.healthHistory.insert({ createdAt: clock.wall(), status, checks }),
    onChange: (change) => {
      if (change.state === "ok") log.info(change, "health check recovered");
      else log.warn(change, "health check failing");
    },
  });
  const look = () => watch.run().catch((err: unknown) => log.error({ err }, "a health report was not kept"));
  undo.push(every(clock, config.healthIntervalSeconds * 1000, () => void look()));
  await look();
  return { monitor, system };
}
