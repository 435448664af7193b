import { statfsSync } from "node:fs";
import { join, resolve } from "node:path";
import { openDatabase } from "../../db/connection.ts";
import { HealthChecks } from "../../db/health-checks.ts";
import { Maintenance } from "../../db/maintenance.ts";
import { migrate } from "../../db/migrate.ts";
import { ModelVersions } from "../../db/models.ts";
import { Predictions } from "../../db/predictions.ts";
import { RecordThread } from "../../db/record-thread.ts";
import { isStoreFailure } from "../../db/store-failure.ts";
import { type Clock, every } from "../clock.ts";
import type { Model } from "../model-repository/manifest.ts";
import { aboveFloor, DiskFloorError } from "../recording/disk-floor.ts";
import { Trouble } from "../recording/trouble.ts";
import { WriteBehindRecorder } from "../recording/write-behind.ts";
import { ActiveClients } from "../telemetry/active-clients.ts";
import type { Shared } from "./shared.ts";

const RECORD_WORKER = new URL("../../workers/records.worker.ts", import.meta.url);
const MAINTENANCE_INTERVAL_MS = 300_000;
const DAY_MS = 86_400_000;

/** The database, migrated, and all that is kept in it. */
export function composeRecords({ config, clock, log, undo }: Shared, models: readonly Model[]) {
  const dataDir = resolve(config.dataDir);
  const database = openDatabase(join(dataDir, "pinhole.sqlite"), {
    clock,
    slowQueryMs: config.databaseSlowQueryMs,
    onSlowQuery: (query) => log.warn(query, "slow query"),
  });
  undo.push(() => database.close());
  migrate(database);
  database.serve();
  const predictions = new Predictions(database);
  const modelVersions = new ModelVersions(database);
  try {
    for (const { manifest } of models) modelVersions.noteLoaded(manifest, clock.wall());
  } catch (err) {
    // A disk that is full, a database that is locked: then that a model was loaded goes unnoted.
    if (!isStoreFailure(err)) throw err;
    log.error({ err }, "the loaded models cannot be noted");
  }
  const thread = new RecordThread({
    worker: RECORD_WORKER,
    path: database.path,
    predictions,
    slowQueryMs: config.databaseSlowQueryMs,
    onSlowQuery: (query) => log.warn(query, "slow query"),
    onTrouble: (cause) => log.error({ cause }, "the database's log cannot be folded into it"),
    onRecovery: () => log.info("the database's log is folded into it again"),
    onGone: () => log.error("the thread that writes records has ended: they are written without it"),
  });
  undo.push(() => thread.close());
  const recorder = new WriteBehindRecorder({
    sink: aboveFloor(thread, { freeBytes: config.recordDiskFreeBytes, read: () => freeBytes(dataDir) }),
    isRowsFault: (error) => !(error instanceof DiskFloorError || isStoreFailure(error)),
    bufferRows: config.recordBufferRows,
    flushIntervalMs: config.recordFlushIntervalMs,
    clock,
    onTrouble: (err) => log.error({ err }, "records cannot be written"),
    onRecovery: () => log.info("records are written again"),
  });
  undo.push(() => recorder.close());
  const activeClients = recentClients(predictions, clock);
  return { database, predictions, recorder, activeClients, healthHistory: new HealthChecks(database) };
}

/** Retention and upkeep of the database, now and every few minutes. */
export function composeMaintenance(
  { config, clock, log, undo }: Shared,
  { database, predictions, healthHistory }: ReturnType<typeof composeRecords>,
  idle: () => boolean,
): void {
  const maintenance = new Maintenance({
    database,
    predictions,
    healthChecks: healthHistory,
    retentionDays: config.retentionDays,
    retentionRows: config.retentionRows,
    healthRetentionDays: config.healthRetentionDays,
    clock,
    idle,
  });
  const trouble = new Trouble({
    onBegin: (err) => log.error({ err }, "database maintenance fails"),
    onEnd: () => log.info("database maintenance succeeds again"),
  });
  const tidy = () => void trouble.try(() => maintenance.run());
  undo.push(() => maintenance.close());
  undo.push(every(clock, MAINTENANCE_INTERVAL_MS, tidy));
  tidy();
}

/** For whoever is not root. */
function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** Counts on where the records say who was there before a restart. */
function recentClients(predictions: Predictions, clock: Clock): ActiveClients {
  const clients = new ActiveClients();
  const yesterday = Math.floor(clock.wall() / DAY_MS) - 1;
  for (const { clientHash, day } of predictions.clientDaysSince(yesterday * DAY_MS))
    clients.add(clientHash, day * DAY_MS);
  return clients;
}
