import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { PinholeError } from "../errors.ts";
import { Admission } from "./admission.ts";

const MIB = 1024 * 1024;

function admissionOf(
  options: { queueCapacity?: number; queueMaxBytes?: number; random?: () => number } = {},
) {
  const clock = new ManualClock();
  const admission = new Admission({
    queueCapacity: options.queueCapacity ?? 2,
    queueMaxBytes: options.queueMaxBytes ?? 10 * MIB,
    clock,
    random: options.random ?? (() => 0),
  });
  return { clock, admission };
}

function refusalOf(run: () => unknown): PinholeError {
  try {
    run();
  } catch (error) {
    if (error instanceof PinholeError) return error;
  }
  throw new Error("It was not refused.");
}

describe("Admission", () => {
  test("counts requests and bytes, and `using` gives them back, also when the work throws", () => {
    const { admission } = admissionOf();
    expect(() => {
      using _permit = admission.admit({ bytes: 100 });
      expect([admission.admitted, admission.bytes]).toEqual([1, 100]);
      throw new Error("work failed");
    }).toThrow("work failed");
    expect([admission.admitted, admission.bytes]).toEqual([0, 0]);
  });

  test("giving back twice is harmless", () => {
    const { admission } = admissionOf();
    const first = admission.admit({ bytes: 7 });
    admission.admit({ bytes: 5 });
    first.release();
    first.release();
    first[Symbol.dispose]();
    expect([admission.admitted, admission.bytes]).toEqual([1, 5]);
  });

  test("full by requests", () => {
    const { admission } = admissionOf();
    const first = admission.admit({ bytes: 0 });
    admission.admit({ bytes: 0 });
    const refusal = refusalOf(() => admission.admit({ bytes: 0 }));
    expect(refusal.code).toBe("OVERLOADED");
    expect(refusal.members).toEqual({ retry_after_seconds: 1 });
    first.release();
    admission.admit({ bytes: 0 }).release();
  });

  test("full by bytes, exactly", () => {
    const { admission } = admissionOf();
    const first = admission.admit({ bytes: 4 * MIB });
    expect(refusalOf(() => admission.admit({ bytes: 6 * MIB + 1 })).code).toBe("OVERLOADED");
    expect([admission.admitted, admission.bytes]).toEqual([1, 4 * MIB]);
    admission.admit({ bytes: 6 * MIB }).release();
    first.release();
    expect(admission.bytes).toBe(0);
  });

  test("a body that would never fit is told so, not to wait", () => {
    const { admission } = admissionOf();
    const refusal = refusalOf(() => admission.admit({ bytes: 11 * MIB }));
    expect(refusal.code).toBe("FILE_TOO_LARGE");
    expect(refusal.members).toEqual({ file_size_mb: 11, max_size_mb: 10, filename: null });
    expect(admission.admitted).toBe(0);
  });

  test("a permit grows within the bound, and a refused growth leaves what it had", () => {
    const { admission } = admissionOf();
    const other = admission.admit({ bytes: 4 * MIB });
    const permit = admission.admit({ bytes: 0 });
    permit.grow(2 * MIB);
    permit.grow(4 * MIB);
    expect(refusalOf(() => permit.grow(1)).code).toBe("OVERLOADED");
    expect(admission.bytes).toBe(10 * MIB);
    other.release();
    expect(refusalOf(() => permit.grow(5 * MIB)).code).toBe("FILE_TOO_LARGE");
    permit.release();
    expect(admission.bytes).toBe(0);
    expect(() => permit.grow(1)).toThrow("given back");
    expect(admission.bytes).toBe(0);
  });

  test("closed it refuses as draining, lets the admitted finish, and tells when it is idle", async () => {
    const { admission } = admissionOf();
    await admission.idle();
    const permit = admission.admit({ bytes: 1 });
    let idle = false;
    const waiting = admission.idle().then(() => {
      idle = true;
    });
    admission.close();
    expect(admission.draining).toBe(true);
    const refusal = refusalOf(() => admission.admit({ bytes: 0 }));
    expect([refusal.code, refusal.members.retry_after_seconds]).toEqual(["DRAINING", 1]);
    permit.grow(10);
    await Promise.resolve();
    expect(idle).toBe(false);
    permit.release();
    await waiting;
    expect(idle).toBe(true);
  });

  test("Retry-After follows how long permits are held and how many are held now", () => {
    const { admission, clock } = admissionOf({ queueCapacity: 4 });
    // One at a time takes 2 s: throughput is one in 2 s.
    for (let i = 0; i < 5; i++) {
      const permit = admission.admit({ bytes: 0 });
      clock.advance(2_000);
      permit.release();
    }
    for (let i = 0; i < 4; i++) admission.admit({ bytes: 0 });
    expect(admission.retryAfterSeconds()).toBe(8);
  });

  test("Retry-After is jittered from the estimate up to its double, and is 1 to 60 seconds", () => {
    const spread = (random: number, holdMs: number) => {
      const { admission, clock } = admissionOf({ random: () => random });
      const permit = admission.admit({ bytes: 0 });
      clock.advance(holdMs);
      permit.release();
      admission.admit({ bytes: 0 });
      return admission.retryAfterSeconds();
    };
    expect([spread(0, 5), spread(0.999, 5)]).toEqual([1, 2]);
    expect([spread(0, 4_000), spread(0.999, 4_000)]).toEqual([4, 8]);
    expect([spread(0, 3_600_000), spread(0.999, 3_600_000)]).toEqual([30, 60]);
  });
});
