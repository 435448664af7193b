import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { PinholeError } from "../errors.ts";
import { Admission } from "./admission.ts";
import { Reading, type ReadingOptions } from "./reading.ts";

const MIB = 1024 * 1024;
const PATIENT = { signal: new AbortController().signal, deadline: Number.MAX_SAFE_INTEGER };

function readingOf(options: Partial<ReadingOptions> = {}) {
  const clock = new ManualClock();
  const random = () => 0;
  const admission = new Admission({ queueCapacity: 2, queueMaxBytes: 10 * MIB, clock, random });
  const reading = new Reading({
    readConcurrency: 3,
    readPerClient: 2,
    readMaxBytes: 8 * MIB,
    admission,
    clock,
    random,
    ...options,
  });
  const enter = (clientKey = "a", bytes = 0) => reading.enter({ clientKey, bytes });
  return { admission, clock, reading, enter };
}

function refusalOf(run: () => unknown): PinholeError {
  try {
    run();
  } catch (error) {
    if (error instanceof PinholeError) return error;
  }
  throw new Error("It was not refused.");
}

describe("Reading", () => {
  test("bytes count as they come, and `using` gives everything back", () => {
    const { reading, enter, admission } = readingOf();
    expect(() => {
      using permit = enter("a", 5 * MIB);
      expect([reading.bodies, reading.bytes]).toEqual([1, 0]);
      permit.grow(100);
      permit.grow(100);
      expect([reading.bodies, reading.bytes, admission.admitted]).toEqual([1, 200, 0]);
      throw new Error("cut");
    }).toThrow("cut");
    expect([reading.bodies, reading.bytes]).toEqual([0, 0]);
  });

  test("short of memory, it reads on but begins nothing new", () => {
    let short = false;
    const { enter } = readingOf({ shedding: () => short });
    using permit = enter("a");
    short = true;
    expect(refusalOf(() => enter("b"))).toMatchObject({
      code: "OVERLOADED",
      members: { retry_after_seconds: expect.any(Number) },
    });
    permit.grow(100);
    short = false;
    enter("b").release();
  });

  test("full for one client, full for all; a place that is given back can be taken", () => {
    const { enter } = readingOf();
    const first = enter("a");
    enter("a");
    expect(refusalOf(() => enter("a"))).toMatchObject({
      code: "OVERLOADED",
      members: { retry_after_seconds: 1 },
    });
    enter("b");
    expect(refusalOf(() => enter("c")).code).toBe("OVERLOADED");
    first.release();
    first.release();
    enter("c");
    expect(refusalOf(() => enter("d")).code).toBe("OVERLOADED");
  });

  test("one body may fill all there is; those of one client together a quarter, so that others get in", () => {
    const { enter, reading } = readingOf();
    const large = enter("a");
    large.grow(6 * MIB);
    const second = enter("a");
    expect(refusalOf(() => second.grow(1)).code).toBe("OVERLOADED");
    second.release();
    const other = enter("b");
    other.grow(2 * MIB);
    expect(refusalOf(() => other.grow(1)).code).toBe("OVERLOADED");
    expect(refusalOf(() => enter("c")).code).toBe("OVERLOADED");
    large.release();
    expect(reading.bytes).toBe(2 * MIB);
    enter("c").grow(6 * MIB);
  });

  test("a body that would never fit is told so, not to wait", () => {
    const { enter, reading } = readingOf();
    expect(refusalOf(() => enter("a", 9 * MIB)).code).toBe("FILE_TOO_LARGE");
    expect(reading.bodies).toBe(0);
    const undeclared = enter("a");
    expect(refusalOf(() => undeclared.grow(9 * MIB)).code).toBe("FILE_TOO_LARGE");
  });

  test("no body is read that could not be served", async () => {
    const { enter, admission, reading } = readingOf();
    const serving = await admission.admit({ bytes: 6 * MIB }, PATIENT);
    expect(refusalOf(() => enter("a", 5 * MIB)).code).toBe("OVERLOADED");
    await admission.admit({ bytes: 0 }, PATIENT);
    expect(refusalOf(() => enter("a")).code).toBe("OVERLOADED");
    serving.release();
    enter("a");
    admission.close();
    expect(refusalOf(() => enter("a")).code).toBe("DRAINING");
    expect(reading.bodies).toBe(1);
  });

  test("a body that has come is served with the bytes that it has, also when a drain began meanwhile", async () => {
    const { enter, admission, reading } = readingOf();
    using unread = enter("a", 100);
    unread.grow(60);
    admission.close();
    {
      using _permit = await unread.admit(PATIENT);
      expect([reading.bodies, reading.bytes]).toEqual([0, 0]);
      expect([admission.admitted, admission.bytes]).toEqual([1, 60]);
      expect(() => unread.grow(1)).toThrow("given back");
    }
    expect([admission.admitted, admission.bytes]).toEqual([0, 0]);
  });

  test("while it waits for a place it is still one of the bodies being read", async () => {
    const { enter, admission, reading } = readingOf();
    using unread = enter("a");
    unread.grow(60);
    const serving = await admission.admit({ bytes: 0 }, PATIENT);
    await admission.admit({ bytes: 0 }, PATIENT);
    const admitted = unread.admit(PATIENT);
    await Promise.resolve();
    expect([reading.bodies, reading.bytes, admission.admitted]).toEqual([1, 60, 2]);
    serving.release();
    using _permit = await admitted;
    expect([reading.bodies, reading.bytes, admission.admitted]).toEqual([0, 0, 2]);
  });

  test("Retry-After follows how long bodies take", () => {
    const { enter, clock } = readingOf({ readPerClient: 1 });
    for (let i = 0; i < 3; i++) {
      const permit = enter();
      clock.advance(7_000);
      permit.release();
    }
    enter();
    expect(refusalOf(() => enter()).members).toEqual({ retry_after_seconds: 7 });
  });
});
