import { systemClock } from "../clock.ts";
import { SupervisorLink } from "./supervisor-link.ts";

/** A server process without a server: what it does in each of its runs stands in its last argument, one a run. */
const link = SupervisorLink.open(systemClock)!;
const { process: number, restarts } = link.identity;
const runs = process.argv.find((argument) => argument.startsWith("runs="))!.slice("runs=".length);
const run = runs.split(",")[restarts] ?? "serve";
console.log(`${number}.${restarts} ${run}`);
const code = Number(/\d+$/.exec(run)?.[0] ?? 0);

process.on("SIGTERM", () => {
  if (run === "stubborn") return;
  console.log(`${number} stops`);
  process.exit(code);
});
process.on("SIGUSR2", () => console.log(`${number} heard SIGUSR2`));
link.onGone(() => process.exit(1));
const ready = (isWorking = true) =>
  link.ready(["m"], { isWorking: () => isWorking, metrics: async () => [], obey: () => undefined });

if (run.startsWith("exit")) process.exit(code);
if (run.startsWith("serve-exit")) {
  ready();
  setTimeout(() => process.exit(code), 50);
} else if (run === "abort") process.kill(process.pid, "SIGABRT");
else if (run === "silent") {
  ready(false);
} else if (run === "hang") {
  ready();
  setTimeout(() => Bun.sleepSync(600_000), 50);
} else if (run !== "unready") ready();
setInterval(() => undefined, 1000);
