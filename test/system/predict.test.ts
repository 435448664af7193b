import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { form, type Photograph, photographs } from "./photographs.ts";
import { asOperator, described, type RunningServer, startServer } from "./server.ts";

/** The main job, as a client sees it: real photographs of leaves in, the contract's answer out. */
let server: RunningServer;
let leaves: Photograph[];

beforeAll(async () => {
  leaves = await photographs();
  server = await startServer({ PINHOLE_RATE_LIMIT_REQUESTS: "1000" });
});
afterAll(() => server?.stop());

const predict = (body: Bun.BodyInit, query = "", headers: Record<string, string> = {}) =>
  fetch(`${server.url}/api/v1/predict${query}`, { method: "POST", body, headers });

const JPEG = { "Content-Type": "image/jpeg" };

// biome-ignore lint/suspicious/noExplicitAny: what came over the wire is what these tests are about
type Json = any;

function expectRanked(predictions: Json[]): void {
  expect(predictions.length).toBeGreaterThan(0);
  for (const [at, { class_id, class_name, prob }] of predictions.entries()) {
    expect(class_id).toMatch(/^\w+$/);
    expect(class_name).toBeString();
    expect(prob).toBeWithin(0, 1.000001);
    if (at > 0) expect(prob).toBeLessThanOrEqual(predictions[at - 1].prob);
  }
}

describe("one photograph", () => {
  test("as the body itself", async () => {
    const leaf = leaves[0]!;
    const response = await predict(leaf.bytes, "?top_k=3", { ...JPEG, "X-Request-Id": "walk-1" });
    expect(await described(response)).toStartWith("200");
    expect(response.headers.get("Content-Type")).toStartWith("application/json");
    expect(response.headers.get("X-Request-Id")).toBe("walk-1");
    expect(response.headers.get("RateLimit-Policy")).toBe('"predict";q=1000;w=60');
    expect(response.headers.get("RateLimit")).toMatch(/^"predict";r=\d+;t=\d+$/);
    for (const name of ["Limit", "Remaining", "Reset"])
      expect(response.headers.get(`X-RateLimit-${name}`)).toMatch(/^\d+$/);

    const answer: Json = await response.json();
    expect(answer.request_id).toBe("walk-1");
    expect(answer.prediction_id).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.model).toEqual({
      name: expect.stringMatching(/^[a-z][a-z0-9-]*$/),
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(answer.predictions).toHaveLength(3);
    expectRanked(answer.predictions);
    expect(["HIGH", "MEDIUM", "LOW"]).toContain(answer.confidence_status);
    if (answer.confidence_status === "LOW") expect(answer.retake_message).toBeString();
    expect(answer.images).toHaveLength(1);
    const [image] = answer.images;
    expect(image).toMatchObject({ filename: null, status: "ok", explanation: null });
    expect(image.width * image.height).toBeGreaterThan(0);
    expect(image.predictions).toEqual(answer.predictions);
    expect(image.quality.sharpness).toBeWithin(0, 1.000001);
    expect(image.quality.brightness).toBeWithin(0, 1.000001);
    expect(image.quality.issues).toBeArray();
    expect(answer.cached).toBeFalse();
    expect(answer).not.toHaveProperty("fallback");
  });

  test("timings are the same in the body and in Server-Timing, and name every station of a fresh answer", async () => {
    const response = await predict(leaves[1]!.bytes, "", JPEG);
    const answer: Json = await response.json();
    const header = response.headers.get("Server-Timing") ?? "";
    const entries = header.split(", ").map((entry) => entry.split(";dur=") as [string, string]);
    expect(Object.fromEntries(entries.map(([stage, ms]) => [stage, Number(ms)]))).toEqual(answer.timings_ms);
    const stages = ["limit", "admit", "read", "validate", "cache", "decode", "queue", "preprocess", "infer"];
    expect(Object.keys(answer.timings_ms)).toEqual(
      expect.arrayContaining([...stages, "postprocess", "total"]),
    );
  });

  test("in a form, under file and under files, keeps its name", async () => {
    const leaf = leaves[0]!;
    for (const field of ["file", "files"]) {
      const response = await predict(form([leaf], field));
      expect(await described(response)).toStartWith("200");
      const answer: Json = await response.json();
      expect(answer.images).toHaveLength(1);
      expect(answer.images[0].filename).toBe(leaf.filename);
    }
  });

  test("the same bytes again come from the cache, with a prediction of their own", async () => {
    const leaf = leaves[2]!;
    const first: Json = await (await predict(leaf.bytes, "?top_k=2", JPEG)).json();
    const second: Json = await (await predict(form([leaf]), "?top_k=2")).json();
    expect(first.cached).toBeFalse();
    expect(second.cached).toBeTrue();
    expect(second.predictions).toEqual(first.predictions);
    expect(second.prediction_id).not.toBe(first.prediction_id);
    expect(second.images[0].filename).toBe(leaf.filename);
  });

  test("min_prob leaves out what is below it, never the first", async () => {
    const answer: Json = await (await predict(leaves[0]!.bytes, "?min_prob=1", JPEG)).json();
    expect(answer.predictions).toHaveLength(1);
  });
});

describe("several photographs", () => {
  test("eight of one subject: the answer is the mean of the images' probabilities", async () => {
    const eight = Array.from({ length: 8 }, (_, i) => leaves[i % leaves.length]!);
    const info: Json = await (await fetch(`${server.url}/api/v1/model_info`)).json();
    const classes = Array.isArray(info.classes) ? info.classes.length : info.classes;
    const response = await predict(form(eight), `?top_k=${classes}`);
    expect(await described(response)).toStartWith("200");
    const answer: Json = await response.json();
    expect(answer.images.map(({ filename }: Json) => filename)).toEqual(
      eight.map(({ filename }) => filename),
    );
    for (const { class_id, prob } of answer.predictions) {
      const each = answer.images.map(
        ({ predictions }: Json) =>
          predictions.find((prediction: Json) => prediction.class_id === class_id).prob,
      );
      expect(prob).toBeCloseTo(each.reduce((sum: number, value: number) => sum + value, 0) / 8, 4);
    }
  });

  test("a bad one among them gets its own error and spoils nothing", async () => {
    const text = new TextEncoder().encode("not an image at all");
    const cut = leaves[0]!.bytes.slice(0, 200);
    const response = await predict(
      form([
        leaves[0]!,
        { filename: "note.jpg", bytes: text },
        { filename: "note.txt", bytes: text, type: "text/plain" },
        { filename: "cut.jpg", bytes: cut },
        { filename: "empty.jpg", bytes: new Uint8Array() },
        leaves[1]!,
      ]),
    );
    expect(await described(response)).toStartWith("200");
    const answer: Json = await response.json();
    const states = answer.images.map((image: Json) => image.error?.error ?? image.status);
    expect(states).toEqual([
      "ok",
      "UNSUPPORTED_IMAGE_TYPE",
      "UNSUPPORTED_IMAGE_TYPE",
      "INVALID_IMAGE",
      "EMPTY_IMAGE",
      "ok",
    ]);
    expectRanked(answer.predictions);
  });

  test("none usable: the first one's status", async () => {
    const text = new TextEncoder().encode("not an image at all");
    const response = await predict(
      form([
        { filename: "cut.jpg", bytes: leaves[0]!.bytes.slice(0, 200) },
        { filename: "a.jpg", bytes: text },
      ]),
    );
    expect(response.status).toBe(422);
    expect(((await response.json()) as Json).error).toBe("INVALID_IMAGE");
  });
});

describe("what was answered can be looked at", () => {
  test("its record, at once, by its id; and in the operator's list", async () => {
    const answer: Json = await (await predict(leaves[0]!.bytes, "", JPEG)).json();
    const response = await fetch(`${server.url}/api/v1/predictions/${answer.prediction_id}`);
    expect(await described(response)).toStartWith("200");
    const record: Json = await response.json();
    expect(record.prediction_id).toBe(answer.prediction_id);
    expect(JSON.stringify(record)).toContain(answer.predictions[0].class_id);

    const flushed = async () => {
      const list = await (await fetch(`${server.url}/api/v1/predictions`, asOperator)).text();
      return list.includes(answer.prediction_id);
    };
    for (let tries = 0; tries < 100 && !(await flushed()); tries++) await Bun.sleep(50);
    expect(await flushed()).toBeTrue();
    expect((await fetch(`${server.url}/api/v1/predictions`)).status).toBeOneOf([200, 401]);
  });

  test("the stations are on the metrics", async () => {
    const metrics = await (await fetch(`${server.url}/metrics`, asOperator)).text();
    for (const stage of ["read", "decode", "infer", "total"]) expect(metrics).toContain(`stage="${stage}"`);
  });
});
