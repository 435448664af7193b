import { Gauge, type Registry } from "prom-client";

/** How full the server is, and how full it may get. */
export interface AdmissionFigures {
  /** Requests admitted now. */
  admitted: number;
  /** Images of theirs that wait for their turn. */
  queued: number;
  /** Images being decoded or inferred. */
  inFlight: number;
  /** Body bytes held by the admitted. */
  heldBytes: number;
  /** Images that may be in flight now. */
  inFlightLimit: number;
  /** Share of their time in flight that the last images were worked on, 0..1. */
  gradient: number;
  /** Mean time of the last images without waiting, ms; 0 before the first. */
  baselineMs: number;
  /** Images that may wait now. */
  queueLimit: number;
  /** Longest wait for a turn now, ms; infinite where only the deadline ends it. */
  queueWaitMs: number;
}

/** Each scrape reads them anew. */
export function registerAdmissionGauges(registry: Registry, read: () => AdmissionFigures): void {
  const gauge = (name: string, help: string, figure: (figures: AdmissionFigures) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(figure(read()));
      },
    });
  gauge("pinhole_admitted_requests", "Requests admitted now.", ({ admitted }) => admitted);
  gauge("pinhole_queue_waiting_requests", "Admitted requests that wait.", ({ queued }) => queued);
  gauge("pinhole_in_flight_images", "Images being decoded or inferred.", ({ inFlight }) => inFlight);
  gauge("pinhole_held_bytes", "Body bytes held by admitted requests.", ({ heldBytes }) => heldBytes);
  gauge("pinhole_in_flight_limit_images", "Images that may be in flight now.", (now) => now.inFlightLimit);
  gauge(
    "pinhole_in_flight_gradient_ratio",
    "Share of their time in flight that the last images were worked on; 1: nothing waits.",
    ({ gradient }) => gradient,
  );
  gauge(
    "pinhole_in_flight_baseline_seconds",
    "Mean time in flight of the last images without waiting.",
    ({ baselineMs }) => baselineMs / 1000,
  );
  gauge("pinhole_queue_limit_images", "Images that may wait for their turn now.", (now) => now.queueLimit);
  gauge(
    "pinhole_queue_wait_limit_seconds",
    "Longest wait for a turn now: PINHOLE_QUEUE_WAIT_MS, or four times the time in flight.",
    ({ queueWaitMs }) => queueWaitMs / 1000,
  );
}
