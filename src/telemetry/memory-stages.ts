/**
 * When the resident memory is told: settings read; models known and database open; every model warm in every worker;
 * each minute from then on; as a drain begins.
 */
export const MEMORY_STAGES = ["start", "loaded", "warm", "minute", "drain"] as const;
export type MemoryStage = (typeof MEMORY_STAGES)[number];
