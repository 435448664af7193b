import { type Finding, findingsOf } from "./finding.ts";

/**
 * Since 1.29, ONNX Runtime's library for Linux tells its maker which models it loads, unless the environment that
 * the process was started with forbids it; from inside it cannot be forbidden.
 */
export function checkReporting(isForbidden: boolean): Finding[] {
  const { ok, warn } = findingsOf("reporting");
  return isForbidden
    ? [ok("ONNX Runtime tells nobody what it loads")]
    : [
        warn(
          "ONNX Runtime tells its maker which models it loads",
          "Start the process with ORT_DISABLE_TELEMETRY=1 in its environment (`bun start` does).",
        ),
      ];
}
