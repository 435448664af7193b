import http from "k6/http";
import { PROBES } from "../../catalogue.ts";
import { countRead } from "./answers.ts";
import { BASE_URL, type Run } from "./run.ts";

/** Asks whether the server is alive, as a balancer does while everybody else asks for predictions. */
export function probeOnce(run: Run): void {
  run.iteration(() => countRead(http.get(`${BASE_URL}/health/live`)), PROBES[1]);
}
