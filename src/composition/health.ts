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
import { Trouble } from "../recording/trouble.ts";
import type { AdmissionFigures } from "../telemetry/admission-figures.ts";
import { EventLoopDelay } from "../telemetry/event-loop-delay.ts";
import { SystemReader } from "../telemetry/system-figures.ts";
import type { composeMemory } from "./memory.ts";
import type { composeRecords } from "./records.ts";
import type { Shared } from "./shared.ts";
import type { composeWalk } from "./walk.ts";
import type { composeWorkers } from "./workers.ts";

/** 0..1 of what may be admitted, or of what may wait for its turn, whichever is fuller. */
function queueFill({ admitted, queued, queueLimit }: AdmissionFigures, queueCapacity: number): number {
  return Math.max(admitted / queueCapacity, queued / queueLimit);
}

/** The checks with their thresholds, looked at now and every `PINHOLE_HEALTH_INTERVAL_SECONDS`. */
export async function composeHealth(
  { config, clock, isFirst, log, undo }: Shared,
  parts: {
    repository: ModelRepository;
    records: ReturnType<typeof composeRecords>;
    workers: Awaited<ReturnType<typeof composeWorkers>>;
    walk: Awaited<ReturnType<typeof composeWalk>>;
    memory: ReturnType<typeof composeMemory>;
    isDraining: () => boolean;
  },
) {
  const { repository, records, workers, walk, memory, isDraining } = parts;
  const delay = new EventLoopDelay(clock);
  undo.push(() => delay.close());
  const dataDir = resolve(config.dataDir);
  const system = new SystemReader({
    dataDir,
    // Of all processes together, as the machine sees it.
    memoryLimitBytes: memoryLimitBytes(),
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
      memory: memoryCheck(() => process.memoryUsage.rss(), memory.limitBytes, config.healthMemoryShare),
      event_loop: eventLoopCheck(() => delay.read().maxMs, config.healthEventLoopMs),
      workers: workersCheck(workers.usableWorkers, workers.workerCount),
      models: modelsCheck(readyModels, repository.models.length),
      queue: queueCheck(() => queueFill(walk.figures(), config.queueCapacity), config.healthQueueShare),
    },
  });
  const keeping = new Trouble({
    onBegin: (err) => log.error({ err }, "health reports cannot be kept"),
    onEnd: () => log.info("health reports are kept again"),
  });
  const watch = new HealthWatch({
    monitor,
    // One history: several would be mixed up in it.
    keep: ({ status, checks }) =>
      isFirst && records.healthHistory.insert({ createdAt: clock.wall(), status, checks }),
    onChange: (change) => {
      if (change.state === "ok") log.info(change, "health check recovered");
      else log.warn(change, "health check failing");
    },
  });
  const look = () => keeping.try(() => watch.run());
  undo.push(every(clock, config.healthIntervalSeconds * 1000, () => void look()));
  await look();
  return { monitor, system };
}
