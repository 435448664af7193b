import pino, { type DestinationStream, type Logger } from "pino";

export type { Logger } from "pino";

/**
 * The process's log: JSON lines on stdout, one object a line. Never holds client addresses (only their HMAC),
 * tokens or image bytes.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service: "pinhole" },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ["authorization", "*.authorization", "token", "*.token"], censor: "(hidden)" },
    },
    destination ?? pino.destination({ fd: 1, sync: false, minLength: 0 }),
  );
}
