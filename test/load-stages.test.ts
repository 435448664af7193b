import { expect, test } from "bun:test";
import { STAGES as LOADED } from "../loadtest/stages.ts";
import { STAGES } from "../src/telemetry/stages.ts";

test("load scripts, which import nothing from src, know the stations of the walk", () => {
  expect<readonly string[]>(LOADED).toEqual(STAGES);
});
