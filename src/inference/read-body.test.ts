import { describe, expect, test } from "bun:test";
import { type Clock, systemClock } from "../clock.ts";
import { PinholeError } from "../errors.ts";
import { baseName, type ReadLimits, readBody, type UnreadBody } from "./read-body.ts";

const limits: ReadLimits = {
  imageMaxBytes: 1000,
  requestMaxBytes: 3000,
  requestMaxImages: 2,
  timeoutMs: 60_000,
  minBytesPerSecond: 100,
};

/** Time that only moves when told to. */
function fakeClock() {
  let now = 0;
  const timers = new Set<{ at: number; task: () => void }>();
  const clock: Clock = {
    now: () => now,
    wall: () => now,
    after(delayMs, task) {
      const timer = { at: now + delayMs, task };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  };
  const advance = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const due = [...timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      timers.delete(due);
      now = due.at;
      due.task();
    }
    now = end;
  };
  return { clock, advance, timers };
}

function stream(...chunks: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
      controller.close();
    },
  });
}

function read(unread: Partial<UnreadBody>, options: { clock?: Clock; grow?: (bytes: number) => void } = {}) {
  const { clock = systemClock, grow = () => undefined } = options;
  const whole = {
    body: null,
    contentType: null,
    contentLength: null,
    signal: new AbortController().signal,
    ...unread,
  };
  const checkType = (type: string | null) => {
    if (type === "text/plain") throw new PinholeError("UNSUPPORTED_IMAGE_TYPE", "no");
  };
  return readBody(whole, limits, clock, checkType, grow);
}

const codeOf = (answer: Promise<unknown>) =>
  answer.then(
    () => "taken",
    (error) => (error instanceof PinholeError ? error.code : error.name),
  );

function form(...fields: [name: string, value: string | File][]) {
  const data = new FormData();
  for (const [name, value] of fields) data.append(name, value as File);
  const response = new Response(data);
  const contentType = response.headers.get("content-type");
  return { contentType, body: response.body };
}

describe("reading a body", () => {
  test("the body itself, in one piece or many", async () => {
    expect(await read({ body: stream("abc", "def"), contentType: "Image/JPEG; x=y" })).toEqual([
      { bytes: Buffer.from("abcdef"), filename: null, contentType: "image/jpeg" },
    ]);
    const [image] = await read({ body: stream("abc"), contentLength: 3 });
    expect(Buffer.from(image!.bytes).toString()).toBe("abc");
  });

  test("a form: photographs in file and files, names made safe, other fields passed over", async () => {
    const images = await read(
      form(
        ["file", new File(["one"], "../../etc/a.jpg", { type: "image/jpeg" })],
        ["note", "x"],
        ["files", new File(["two"], "b.png", { type: "image/png" })],
      ),
    );
    expect(
      images.map((image) => [image.filename, image.contentType, Buffer.from(image.bytes).toString()]),
    ).toEqual([
      ["a.jpg", "image/jpeg", "one"],
      ["b.png", "image/png", "two"],
    ]);
  });

  test("nothing to read", async () => {
    expect(await codeOf(read({}))).toBe("NO_IMAGE");
    expect(await codeOf(read({ body: stream(), contentType: "image/png" }))).toBe("EMPTY_IMAGE");
    expect(await codeOf(read({ body: stream(), contentType: "multipart/form-data; boundary=b" }))).toBe(
      "NO_IMAGE",
    );
    expect(await codeOf(read(form()))).toBe("NO_IMAGE");
    expect(await codeOf(read(form(["note", "x"])))).toBe("NO_IMAGE");
  });

  test("declared size and type are judged before a byte is read", async () => {
    let pulled = 0;
    const body = () => new ReadableStream<Uint8Array>({ pull: () => void pulled++ }, { highWaterMark: 0 });
    expect(await codeOf(read({ body: body(), contentLength: 1001 }))).toBe("FILE_TOO_LARGE");
    expect(await codeOf(read({ body: body(), contentLength: 10, contentType: "text/plain" }))).toBe(
      "UNSUPPORTED_IMAGE_TYPE",
    );
    const contentType = "multipart/form-data; boundary=b";
    expect(await codeOf(read({ body: body(), contentLength: 3001, contentType }))).toBe("FILE_TOO_LARGE");
    expect(pulled).toBe(0);
  });

  test("an undeclared body is bounded while it is read, and the rest is not", async () => {
    let pulled = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled++;
          controller.enqueue(new Uint8Array(400));
        },
        cancel() {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    expect(await codeOf(read({ body }))).toBe("FILE_TOO_LARGE");
    expect([pulled, cancelled]).toEqual([3, true]);
  });

  test("the permit is told of the bytes as they come, and may refuse them", async () => {
    const grown: number[] = [];
    const grow = (bytes: number) => void grown.push(bytes);
    await read({ body: stream("abc", "de"), contentLength: 5 }, { grow });
    expect(grown).toEqual([3, 2]);
    const refuse = () => {
      throw new PinholeError("OVERLOADED", "full");
    };
    expect(read({ body: stream("abc") }, { grow: refuse })).rejects.toThrow("OVERLOADED");
  });

  test("too many photographs", async () => {
    const file = (name: string): [string, File] => ["files", new File(["x"], name)];
    expect(await codeOf(read(form(file("a"), file("b"), file("c"))))).toBe("VALIDATION_FAILED");
    expect(await codeOf(read(form(file("a"), file("b"))))).toBe("taken");
  });

  test("a body that does not arrive in its time", async () => {
    const { clock, advance, timers } = fakeClock();
    let push: (bytes: number) => void = () => undefined;
    const body = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          push = (bytes) => controller.enqueue(new Uint8Array(bytes));
        },
      });
    const silent = codeOf(read({ body: body() }, { clock }));
    advance(4999);
    await Bun.sleep(1);
    expect(timers.size).toBe(1);
    advance(1);
    expect(await silent).toBe("REQUEST_TIMEOUT");

    const slow = codeOf(read({ body: body() }, { clock }));
    push(600);
    await Bun.sleep(1);
    advance(5999);
    expect(await Promise.race([slow, Bun.sleep(1).then(() => "reading")])).toBe("reading");
    advance(1001);
    expect(await slow).toBe("REQUEST_TIMEOUT");
    expect(timers.size).toBe(0);
  });

  test("a steady body may take up to the timeout and no longer", async () => {
    const { clock, advance } = fakeClock();
    let push: () => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        push = () => controller.enqueue(new Uint8Array(1));
      },
    });
    const answer = codeOf(
      readBody(
        { body, contentType: null, contentLength: null, signal: new AbortController().signal },
        { ...limits, minBytesPerSecond: 0 },
        clock,
        () => undefined,
        () => undefined,
      ),
    );
    for (let second = 0; second < 59; second++) {
      push();
      await Bun.sleep(0);
      advance(1000);
    }
    expect(await Promise.race([answer, Bun.sleep(1).then(() => "reading")])).toBe("reading");
    advance(1000);
    expect(await answer).toBe("REQUEST_TIMEOUT");
  });

  test("a client that leaves, before, while, or by ending short", async () => {
    const controller = new AbortController();
    const body = new ReadableStream<Uint8Array>();
    const answer = codeOf(read({ body, signal: controller.signal }));
    controller.abort();
    expect(await answer).toBe("ClientGone");
    expect(await codeOf(read({ body: stream("x"), signal: controller.signal }))).toBe("ClientGone");
    expect(await codeOf(read({ body: stream("abc"), contentLength: 4 }))).toBe("ClientGone");
    const failing = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(new Error("reset")) });
    expect(await codeOf(read({ body: failing }))).toBe("ClientGone");
  });

  describe("at once, where it is small and was declared", () => {
    const nobody = (): never => {
      throw new Error("The stream was asked for.");
    };
    const whole = (bytes: () => Promise<Uint8Array>) => ({
      get body(): ReadableStream<Uint8Array> {
        return nobody();
      },
      bytes,
    });
    /** Spread by `read`, so without getters. */
    const direct = (unread: Omit<UnreadBody, "contentType" | "signal">, clock: Clock = systemClock) => {
      const grown: number[] = [];
      const about = { contentType: null, signal: new AbortController().signal };
      const answer = readBody(
        Object.assign(unread, about),
        limits,
        clock,
        () => undefined,
        (bytes) => {
          grown.push(bytes);
        },
      );
      return { answer, grown };
    };

    test("its bytes are taken and counted, and no stream is made", async () => {
      const unread = Object.assign(
        whole(async () => Buffer.from("abc")),
        { contentLength: 3 },
      );
      const { answer, grown } = direct(unread);
      expect(await answer).toEqual([{ bytes: Buffer.from("abc"), filename: null, contentType: null }]);
      expect(grown).toEqual([3]);
    });

    test("one of unknown or larger size comes through the stream", async () => {
      const large = { ...limits, imageMaxBytes: 1e6, requestMaxBytes: 1e6 };
      const bytes = () => Promise.reject(new Error("All was asked for at once."));
      for (const contentLength of [null, 65_537]) {
        const body = stream(new Uint8Array(65_537));
        const unread = {
          body,
          bytes,
          contentLength,
          contentType: null,
          signal: new AbortController().signal,
        };
        const [image] = await readBody(
          unread,
          large,
          systemClock,
          () => undefined,
          () => undefined,
        );
        expect(image!.bytes.length).toBe(65_537);
      }
    });

    test("it has the grace, or as long as the lowest rate allows for all of it", async () => {
      const never = () => new Promise<Uint8Array>(() => undefined);
      for (const [contentLength, patienceMs] of [
        [3, 5000],
        [900, 9000],
      ] as const) {
        const { clock, advance, timers } = fakeClock();
        const { answer } = direct(Object.assign(whole(never), { contentLength }), clock);
        const code = codeOf(answer);
        advance(patienceMs - 1);
        expect(await Promise.race([code, Bun.sleep(1).then(() => "reading")])).toBe("reading");
        advance(1);
        expect(await code).toBe("REQUEST_TIMEOUT");
        expect(timers.size).toBe(0);
      }
    });

    test("a client that leaves, and one that ends short", async () => {
      const cut = () => Promise.reject(new Error("The connection was closed."));
      expect(await codeOf(direct(Object.assign(whole(cut), { contentLength: 3 })).answer)).toBe("ClientGone");
      const short = async () => Buffer.from("ab");
      expect(await codeOf(direct(Object.assign(whole(short), { contentLength: 3 })).answer)).toBe(
        "ClientGone",
      );
    });

    test("of a real connection: in pieces, and cut", async () => {
      const ended = Promise.withResolvers<string>();
      await using server = Bun.serve({
        port: 0,
        async fetch(request) {
          const declared = Number(request.headers.get("content-length"));
          const unread = Object.assign(
            whole(() => request.bytes()),
            { contentLength: declared },
          );
          const { answer } = direct(unread);
          if (new URL(request.url).pathname === "/cut") ended.resolve(codeOf(answer));
          return new Response((await answer)[0]!.bytes as Uint8Array<ArrayBuffer>);
        },
        error: () => new Response("failed", { status: 500 }),
      });
      const heard = Promise.withResolvers<string>();
      const data = (_: unknown, chunk: Buffer) => heard.resolve(chunk.toString());
      const connect = () =>
        Bun.connect({ hostname: "127.0.0.1", port: server.port!, socket: { data, close: () => undefined } });
      const head = (path: string) => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n`;
      const slow = await connect();
      slow.write(`${head("/")}abc`);
      await Bun.sleep(20);
      slow.write("def");
      expect(await heard.promise).toEndWith("\r\n\r\nabcdef");
      slow.end();
      const leaving = await connect();
      leaving.write(`${head("/cut")}abc`);
      await Bun.sleep(20);
      leaving.terminate();
      expect(await ended.promise).toBe("ClientGone");
    });
  });

  test("file names are made fit to be shown", () => {
    expect(baseName("C:\\fakepath\\leaf.jpg")).toBe("leaf.jpg");
    expect(baseName("/etc/passwd")).toBe("passwd");
    expect(baseName("a\u0000b\n.jpg")).toBe("ab.jpg");
    expect(baseName("dir/")).toBeNull();
    expect(baseName(null)).toBeNull();
    expect(baseName(`${"x".repeat(200)}.jpg`)).toBe(`${"x".repeat(96)}.jpg`);
  });
});
