import { describe, expect, test } from "bun:test";
import { plain } from "./pictures.ts";
import { RawConnection } from "./raw-http.ts";
import { startServer } from "./server.ts";

const SMALL_MODELS = { PINHOLE_MODELS_DIR: "test/fixtures/models", PINHOLE_MODEL_DEFAULT: "rgb-float32" };

const ready = async (url: string) => (await fetch(`${url}/health/ready`)).status;

describe("stop", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s to an idle server: exit 0", async (signal) => {
    await using server = await startServer(SMALL_MODELS);
    server.signal(signal);
    expect(await server.exited).toBe(0);
  });

  test("not ready but serving during the delay, then what is in flight is finished, then exit 0", async () => {
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_DRAIN_DELAY_MS: "1500" });
    const red = await plain(255, 0, 0);
    const predict = () =>
      fetch(`${server.url}/api/v1/predict`, {
        method: "POST",
        body: red,
        headers: { "Content-Type": "image/png" },
      });
    expect((await predict()).status).toBe(200);

    server.signal("SIGTERM");
    while ((await ready(server.url)) === 200) await Bun.sleep(10);
    expect(await ready(server.url)).toBe(503);
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    expect((await predict()).status).toBe(200);

    const inFlight = await RawConnection.open(server.port);
    inFlight.send(
      `POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: ${red.length}\r\n\r\n`,
    );
    inFlight.send(red.subarray(0, 20));
    while (
      await fetch(`${server.url}/health/live`).then(
        () => true,
        () => false,
      )
    )
      await Bun.sleep(50);
    inFlight.send(red.subarray(20));
    expect((await inFlight.answer())?.status).toBe(200);
    expect(await server.exited).toBe(0);
    expect(await server.log()).toContain('"answered":true');
  });

  test("an upload that never ends is given up after the drain timeout, and the exit code says so", async () => {
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_DRAIN_TIMEOUT_MS: "500" });
    const stuck = await RawConnection.open(server.port);
    stuck.send(
      "POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n\r\nabc",
    );
    await Bun.sleep(200);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(1);
    stuck.cut();
  });

  test("a second signal ends it at once", async () => {
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_DRAIN_DELAY_MS: "60000" });
    server.signal("SIGTERM");
    while ((await ready(server.url)) === 200) await Bun.sleep(10);
    server.signal("SIGTERM");
    expect(await server.exited).toBe(130);
  });
});

describe("start", () => {
  test("all mistakes of the settings are told together, and nothing starts", async () => {
    const start = startServer({ PINHOLE_QUEUE_CAPACITY: "none", PINHOLE_WORKER_COUNTS: "2" });
    const message = await start.then(() => "it started", String);
    expect(message).toContain("it ended with code 78");
    expect(message).toContain("PINHOLE_QUEUE_CAPACITY");
    expect(message).toContain("did you mean PINHOLE_WORKER_COUNT?");
  });

  test("secrets are not printed", async () => {
    const token = "a-secret-that-must-not-be-printed-anywhere";
    await using server = await startServer({ ...SMALL_MODELS, PINHOLE_OPERATOR_TOKEN: token });
    expect(await server.said("PINHOLE_OPERATOR_TOKEN=(hidden)")).not.toContain(token);
  });
});
