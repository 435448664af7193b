import { readFileSync } from "node:fs";
import { readdir, statfs } from "node:fs/promises";
import { cpus, freemem, loadavg, totalmem, uptime } from "node:os";
import type { Clock } from "../clock.ts";

/** What process and machine use, and how much there is. Bytes, seconds; null where this system does not tell. */
export interface SystemFigures {
  process: {
    startedAt: Date;
    uptimeSeconds: number;
    /** All threads since the start, in user and kernel mode. */
    cpuUserSeconds: number;
    cpuSystemSeconds: number;
    residentBytes: number;
    heapBytes: number;
    openFiles: number | null;
    openFilesLimit: number | null;
  };
  eventLoopDelay: { meanMs: number; maxMs: number };
  memory: {
    totalBytes: number;
    freeBytes: number;
    /** Of the control group, where it has one below what the machine has. */
    limitBytes: number;
  };
  cpu: { cores: number; usableCores: number; loadAverage: number[] };
  disk: { totalBytes: number | null; freeBytes: number | null };
  uptimeSeconds: number;
}

/** Reads the figures of this process and its machine. */
export class SystemReader {
  readonly #options: SystemReaderOptions;
  readonly #startedAt: Date;
  readonly #openFilesLimit = openFilesLimit();

  constructor(options: SystemReaderOptions) {
    this.#options = options;
    this.#startedAt = new Date(options.clock.wall() - process.uptime() * 1000);
  }

  async read(): Promise<SystemFigures> {
    const { dataDir, memoryLimitBytes, usableCores, eventLoopDelay } = this.#options;
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    const [disk, openFiles] = await Promise.all([diskOf(dataDir), openFilesNow()]);
    return {
      process: {
        startedAt: this.#startedAt,
        uptimeSeconds: process.uptime(),
        cpuUserSeconds: user / 1e6,
        cpuSystemSeconds: system / 1e6,
        residentBytes: rss,
        heapBytes: heapUsed,
        openFiles,
        openFilesLimit: this.#openFilesLimit,
      },
      eventLoopDelay: eventLoopDelay(),
      memory: { totalBytes: totalmem(), freeBytes: freemem(), limitBytes: memoryLimitBytes },
      cpu: { cores: cpus().length, usableCores, loadAverage: loadavg() },
      disk,
      uptimeSeconds: uptime(),
    };
  }
}

export interface SystemReaderOptions {
  /** Whose disk is told of. */
  dataDir: string;
  memoryLimitBytes: number;
  usableCores: number;
  clock: Clock;
  eventLoopDelay(): { meanMs: number; maxMs: number };
}

async function diskOf(directory: string) {
  try {
    const { bavail, bsize, blocks } = await statfs(directory);
    return { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
  } catch {
    return { totalBytes: null, freeBytes: null };
  }
}

async function openFilesNow(): Promise<number | null> {
  try {
    // One of them is the directory that is being read.
    return (await readdir("/proc/self/fd")).length - 1;
  } catch {
    return null;
  }
}

/** The soft limit; null where there is none or no /proc. */
function openFilesLimit(): number | null {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}
