import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../test/manual-clock.ts";
import { PinholeError } from "../errors.ts";
import { Admission, type AdmissionOptions, type AdmissionWaiter } from "./admission.ts";
import { ClientGone } from "./drop.ts";

const MIB = 1024 * 1024;
const PATIENT = { signal: new AbortController().signal, deadline: Number.MAX_SAFE_INTEGER };

function admissionOf(
  options: Partial<Pick<AdmissionOptions, "queueCapacity" | "queueMaxBytes" | "random" | "isQueueFull">> = {},
) {
  const clock = new ManualClock();
  const drops: string[] = [];
  const admission = new Admission({
    queueCapacity: options.queueCapacity ?? 2,
    queueMaxBytes: options.queueMaxBytes ?? 10 * MIB,
    clock,
    random: options.random ?? (() => 0),
    isQueueFull: options.isQueueFull,
    onDrop: (reason) => drops.push(reason),
  });
  const admit = (bytes = 0, waiter: AdmissionWaiter = PATIENT) => admission.admit({ bytes }, waiter);
  return { clock, admission, admit, drops };
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
  test("counts requests and bytes, and `using` gives them back, also when the work throws", async () => {
    const { admission, admit } = admissionOf();
    const work = async () => {
      using _permit = await admit(100);
      expect([admission.admitted, admission.bytes]).toEqual([1, 100]);
      throw new Error("work failed");
    };
    expect(await work().catch(String)).toContain("work failed");
    expect([admission.admitted, admission.bytes]).toEqual([0, 0]);
  });

  test("giving back twice is harmless", async () => {
    const { admission, admit } = admissionOf();
    const first = await admit(7);
    await admit(5);
    first.release();
    first.release();
    first[Symbol.dispose]();
    expect([admission.admitted, admission.bytes]).toEqual([1, 5]);
  });

  test("asking takes nothing", () => {
    const { admission } = admissionOf();
    admission.check({ clientKey: "a", bytes: 10 * MIB });
    expect([admission.admitted, admission.bytes]).toEqual([0, 0]);
  });

  test("full by requests", async () => {
    const { admission, admit } = admissionOf();
    const first = await admit();
    await admit();
    const refusal = refusalOf(() => admission.check({ clientKey: "a", bytes: 0 }));
    expect(refusal.code).toBe("OVERLOADED");
    expect(refusal.members).toEqual({ retry_after_seconds: 1 });
    first.release();
    admission.check({ clientKey: "a", bytes: 0 });
  });

  test("full for those who would wait in vain for their turn, and not for others", () => {
    const { admission } = admissionOf({ isQueueFull: (clientKey) => clientKey === "noisy" });
    expect(refusalOf(() => admission.check({ clientKey: "noisy", bytes: 0 }))).toMatchObject({
      code: "OVERLOADED",
      members: { retry_after_seconds: 1 },
    });
    admission.check({ clientKey: "quiet", bytes: 0 });
  });

  test("full by bytes, exactly", async () => {
    const { admission, admit } = admissionOf();
    const first = await admit(4 * MIB);
    expect(refusalOf(() => admission.check({ clientKey: "a", bytes: 6 * MIB + 1 })).code).toBe("OVERLOADED");
    expect([admission.admitted, admission.bytes]).toEqual([1, 4 * MIB]);
    (await admit(6 * MIB)).release();
    first.release();
    expect(admission.bytes).toBe(0);
  });

  test("a body that would never fit is told so, not to wait", () => {
    const { admission, admit } = admissionOf();
    const refusal = refusalOf(() => admission.check({ clientKey: "a", bytes: 11 * MIB }));
    expect(refusal.code).toBe("FILE_TOO_LARGE");
    expect(refusal.members).toEqual({ file_size_mb: 11, max_size_mb: 10, filename: null });
    expect(refusalOf(() => admit(11 * MIB)).code).toBe("FILE_TOO_LARGE");
    expect(admission.admitted).toBe(0);
  });

  test("whoever has sent its body waits for a place, in order; whoever has not is refused meanwhile", async () => {
    const { admission, admit, clock, drops } = admissionOf();
    const [first, second] = [await admit(), await admit(9 * MIB)];
    const entered: string[] = [];
    const large = admit(8 * MIB).then((permit) => entered.push("large") && permit);
    const small = admit(0).then((permit) => entered.push("small") && permit);
    first.release();
    await Bun.sleep(0);
    // There is a place, but not for its bytes; nobody slips by.
    expect([admission.admitted, entered]).toEqual([1, []]);
    expect(refusalOf(() => admission.check({ clientKey: "a", bytes: 0 })).code).toBe("OVERLOADED");
    second.release();
    await Promise.all([large, small]);
    expect([admission.admitted, admission.bytes, entered]).toEqual([2, 8 * MIB, ["large", "small"]]);
    expect([clock.pending, drops]).toEqual([0, []]);
  });

  test("who waits for a place does so until its deadline, or until its client has gone", async () => {
    const { admission, admit, clock, drops } = admissionOf({ queueCapacity: 1 });
    const first = await admit();
    const leaving = new AbortController();
    const settled = (permit: Promise<unknown>) =>
      permit.catch((error: PinholeError) => error as PinholeError);
    const late = settled(admit(0, { ...PATIENT, deadline: 50 }));
    const gone = settled(admit(0, { ...PATIENT, signal: leaving.signal }));
    const goneBefore = settled(admit(0, { ...PATIENT, signal: AbortSignal.abort() }));
    const stays = admit();
    leaving.abort();
    clock.advance(50);
    expect(await gone).toBeInstanceOf(ClientGone);
    expect(await goneBefore).toBeInstanceOf(ClientGone);
    expect(((await late) as PinholeError).code).toBe("DEADLINE_EXCEEDED");
    expect(drops.sort()).toEqual(["client_gone", "client_gone", "deadline"]);
    first.release();
    (await stays).release();
    expect([admission.admitted, clock.pending]).toEqual([0, 0]);
  });

  test("closed it refuses as draining, lets the admitted and those who wait finish, and tells when it is idle", async () => {
    const { admission, admit } = admissionOf({ queueCapacity: 1 });
    await admission.idle();
    const permit = await admit(1);
    const waits = admit(1);
    let idle = false;
    const waiting = admission.idle().then(() => {
      idle = true;
    });
    admission.close();
    expect(admission.draining).toBe(true);
    const refusal = refusalOf(() => admission.check({ clientKey: "a", bytes: 0 }));
    expect([refusal.code, refusal.members.retry_after_seconds]).toEqual(["DRAINING", 1]);
    permit.release();
    const last = await waits;
    expect(idle).toBe(false);
    last.release();
    await waiting;
    expect(idle).toBe(true);
  });

  test("Retry-After follows how long permits are held and how many are held now", async () => {
    const { admission, admit, clock } = admissionOf({ queueCapacity: 4 });
    // One at a time takes 2 s: throughput is one in 2 s.
    for (let i = 0; i < 5; i++) {
      const permit = await admit();
      clock.advance(2_000);
      permit.release();
    }
    for (let i = 0; i < 4; i++) await admit();
    expect(admission.retryAfterSeconds()).toBe(8);
  });

  test("Retry-After is jittered from the estimate up to its double, and is 1 to 60 seconds", async () => {
    const spread = async (random: number, holdMs: number) => {
      const { admission, admit, clock } = admissionOf({ random: () => random });
      const permit = await admit();
      clock.advance(holdMs);
      permit.release();
      await admit();
      return admission.retryAfterSeconds();
    };
    expect([await spread(0, 5), await spread(0.999, 5)]).toEqual([1, 2]);
    expect([await spread(0, 4_000), await spread(0.999, 4_000)]).toEqual([4, 8]);
    expect([await spread(0, 3_600_000), await spread(0.999, 3_600_000)]).toEqual([30, 60]);
  });
});
