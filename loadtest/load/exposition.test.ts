import { expect, test } from "bun:test";
import { parseSample } from "./exposition.ts";

const EXPOSITION = `# HELP pinhole_process_cpu_seconds_total CPU time of the process, all threads.
# TYPE pinhole_process_cpu_seconds_total counter
pinhole_process_cpu_seconds_total{mode="user"} 10.5
pinhole_process_cpu_seconds_total{mode="system"} 1.25
pinhole_process_resident_memory_bytes 209715200
pinhole_in_flight_images 3
pinhole_admitted_requests 7
pinhole_stage_duration_seconds_bucket{stage="decode",le="0.001"} 4
pinhole_stage_duration_seconds_sum{stage="decode"} 0.5
pinhole_stage_duration_seconds_sum{stage="infer"} 1e-1
pinhole_stage_duration_seconds_sum{stage="total"} 0.75
pinhole_stage_duration_seconds_count{stage="decode"} 90
pinhole_stage_duration_seconds_count{stage="total"} 100
`;

test("reads the server's figures", () => {
  expect(parseSample(EXPOSITION, 2.5)).toEqual({
    second: 2.5,
    residentBytes: 200 * 1024 * 1024,
    cpuSeconds: 11.75,
    inFlightImages: 3,
    admittedRequests: 7,
    predictions: 100,
    stageSeconds: { decode: 0.5, infer: 0.1 },
  });
});

test("what a server does not have is 0", () => {
  expect(parseSample("", 0)).toMatchObject({
    residentBytes: 0,
    cpuSeconds: 0,
    predictions: 0,
    stageSeconds: {},
  });
});
