import { type Finding, findingsOf, mib } from "./finding.ts";

const MIB = 1024 * 1024;
/** Bun, the server and its libraries, as measured (resident, 1, 2 and 4 workers), before any model. */
const BASE_BYTES = 125 * MIB;
/** A thread with ONNX Runtime in it, before any model. */
const WORKER_BYTES = 40 * MIB;
/** Of the model's file, for each worker, while all of them load it: 1.75 measured with 96 MiB; loaded, 0.7. */
const MODEL_FACTOR = 2;
/** A picture that must be held whole while it is decoded: bytes of a pixel, as measured at 49 megapixels. */
const DECODE_BYTES_PER_PIXEL = 7.5;

export interface MemoryNeed {
  /** Server processes; all else is of each. */
  processes: number;
  workers: number;
  decodes: number;
  /** Sum of all model files. */
  modelBytes: number;
  cacheBytes: number;
  queueBytes: number;
  progressivePixels: number;
}

/**
 * An estimate. `start`: what the server takes until every model is warm. `full`: what it takes when at the same moment
 * the queue holds as many bytes as it may, every decoder has the largest progressive picture, and the cache is full.
 */
export function memoryNeed(need: MemoryNeed): { start: number; full: number } {
  const start = BASE_BYTES + need.workers * (WORKER_BYTES + MODEL_FACTOR * need.modelBytes);
  const pictures = need.decodes * need.progressivePixels * DECODE_BYTES_PER_PIXEL;
  const full = start + pictures + need.cacheBytes + need.queueBytes;
  return { start: need.processes * start, full: need.processes * full };
}

/** @param availableBytes what the process may still take: of its control group, and of the machine */
export function checkMemory(need: MemoryNeed, availableBytes: number): Finding[] {
  const { ok, warn, fail } = findingsOf("memory");
  const { start, full } = memoryNeed(need);
  const has = `${mib(availableBytes)} available`;
  if (availableBytes < start)
    return [
      fail(
        `${has}, about ${mib(start)} needed to start with ${need.processes * need.workers} workers`,
        "Give it more memory, or set PINHOLE_WORKER_COUNT or PINHOLE_PROCESSES lower.",
      ),
    ];
  if (availableBytes < full)
    return [
      warn(
        `${has}, up to about ${mib(full)} with everything full at once (${mib(start)} to start)`,
        "Give it more memory, or lower PINHOLE_QUEUE_MAX_BYTES, PINHOLE_CACHE_MAX_BYTES or PINHOLE_DECODE_CONCURRENCY.",
      ),
    ];
  return [ok(`${has}, about ${mib(start)} needed to start and ${mib(full)} with everything full at once`)];
}
