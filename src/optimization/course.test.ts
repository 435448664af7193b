import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import { Progress } from "../evaluation/progress.ts";
import { Course } from "./course.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pinhole-course-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

async function open(signal = new AbortController().signal) {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const course = await Course.open(join(home, "work"), {
    signal,
    say,
    progress: new Progress(systemClock, say),
  });
  return { course, said };
}

test("whoever begins again goes on after the last step that was done", async () => {
  const first = await open();
  await first.course.step("a", "first", async () => ({ answer: 1 }));
  await expect(
    first.course.step("b", "second", async () => {
      throw new Error("no room");
    }),
  ).rejects.toThrow("no room");

  const second = await open();
  const kept = await second.course.step("a", "first", async () => ({ answer: 2 }));
  const done = await second.course.step("b", "second", async () => "done");
  expect([kept, done]).toEqual([{ answer: 1 }, "done"]);
  expect(second.said).toEqual(["first: done before", "second"]);
  await second.course.end();
  expect(await readdir(home)).toEqual([]);
});

test("a step cut off while it was written is done again", async () => {
  const { course } = await open();
  await Bun.write(course.path("a.json.new"), '{"answer"');
  expect(await course.step("a", "first", async () => 3)).toBe(3);
});

test("no step begins once it was told to stop", async () => {
  const abort = new AbortController();
  const { course } = await open(abort.signal);
  abort.abort(new Error("stop"));
  await expect(course.step("a", "first", async () => 1)).rejects.toThrow("stop");
  expect(await readdir(course.folder)).toEqual([]);
});
