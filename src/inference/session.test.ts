import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Model } from "../model-repository/manifest.ts";
import { ModelRepository } from "../model-repository/repository.ts";
import type { FromWorker, RawRow, ToWorker, WireImage } from "./messages.ts";

const MODELS = join(import.meta.dir, "../../test/fixtures/models");
const COLORS = {
  red: [250, 10, 10],
  green: [10, 250, 10],
  blue: [10, 10, 250],
  white: [255, 255, 255],
} as const;
type Color = keyof typeof COLORS;

/** A real inference thread, spoken to one message at a time. */
class Thread {
  readonly #worker = new Worker(new URL("../../workers/inference.worker.ts", import.meta.url));
  readonly left = new Promise<number>((resolve) => {
    this.#worker.addEventListener("close", (event) => resolve((event as CloseEvent).code));
  });

  ask(message: ToWorker, transfer: ArrayBuffer[] = []): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = (event: MessageEvent<FromWorker>) => resolve(event.data);
      this.#worker.onerror = (event) => reject(new Error(event.message));
      this.#worker.postMessage(message, transfer);
    });
  }

  async run(model: string, images: WireImage[], batch = 1): Promise<Extract<FromWorker, { kind: "done" }>> {
    const answer = await this.ask(
      { kind: "run", batch, model, images },
      images.map(({ data }) => data),
    );
    if (answer.kind !== "done") throw new Error(`expected done, received ${answer.kind}`);
    return answer;
  }

  /** Sends every message before the first is answered. */
  pipeline(messages: ToWorker[]): Promise<FromWorker[]> {
    return new Promise((resolve) => {
      const answers: FromWorker[] = [];
      this.#worker.onmessage = (event: MessageEvent<FromWorker>) => {
        if (answers.push(event.data) === messages.length) resolve(answers);
      };
      for (const message of messages) this.#worker.postMessage(message);
    });
  }

  leave(): Promise<number> {
    this.#worker.postMessage({ kind: "leave" } satisfies ToWorker);
    return this.left;
  }
}

function picture(
  color: Color | readonly number[],
  { width = 20, height = 30, explain = false } = {},
): WireImage {
  const pixel = typeof color === "string" ? COLORS[color] : color;
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at += 3) data.set(pixel, at);
  return { data: data.buffer, width, height, explain };
}

function top(row: RawRow, model: Model): string {
  const index = row.logits.indexOf(Math.max(...row.logits));
  return model.labels[index]!.class_id;
}

let models: readonly Model[];
const find = (key: string) => models.find((model) => model.key === key)!;

beforeAll(async () => {
  models = (await ModelRepository.open(MODELS, { defaultModel: "rgb-float32" })).models;
});

describe("one thread with every variety of model", () => {
  let thread: Thread;
  let ready: FromWorker;

  beforeAll(async () => {
    thread = new Thread();
    ready = await thread.ask({ kind: "load", models: [...models] });
  });

  afterAll(async () => {
    expect(await thread.leave()).toBe(0);
  });

  test("is ready with each model's largest batch and how long its runs take", () => {
    if (ready.kind !== "ready") throw new Error(`expected ready, received ${ready.kind}`);
    expect(Object.entries(ready.models).map(([key, { maxBatch }]) => [key, maxBatch])).toEqual(
      models.map(({ key, manifest }) => [key, manifest.batch.max_size]),
    );
    for (const { singleMs, rowMs } of Object.values(ready.models))
      expect([singleMs > 0, rowMs > 0]).toEqual([true, true]);
    expect(find("fixed-batch-4/1.0.0").manifest.batch.max_size).toBe(4);
  });

  test("gives every model's right answer for red, green and blue, alone and together", async () => {
    const wrong: string[] = [];
    expect(models.length).toBe(15);
    for (const model of models) {
      const colors: Color[] = ["blue", "red", "green"];
      const alone = [];
      for (const color of colors) alone.push((await thread.run(model.key, [picture(color)])).rows[0]!);
      const together = (
        await thread.run(
          model.key,
          colors.map((color) => picture(color)),
        )
      ).rows;
      expect(together).toEqual(alone);
      together.forEach((outcome, index) => {
        const got = outcome.ok ? top(outcome.row, model) : JSON.stringify(outcome.failure);
        if (got !== colors[index]) wrong.push(`${model.key}: ${colors[index]} became ${got}`);
      });
    }
    expect(wrong).toEqual([]);
  });

  test("the network sees the levels that the manifest describes, in every dtype", async () => {
    for (const model of models.filter(({ manifest }) => !manifest.outputs.logits.softmax)) {
      // Behind the border of `contain` only part of the input is the picture.
      const { resize, input } = model.manifest;
      const share = resize.fit === "contain" ? Math.min(1, input.height / input.width) : 1;
      const square = picture([204, 102, 51], { width: 30, height: 30 });
      const { rows } = await thread.run(model.key, [square]);
      const logits = rows[0]!.ok ? [...rows[0]!.row.logits] : [];
      const expected = [8, 4, 2].map((logit) => logit * share);
      for (const [index, logit] of logits.entries()) expect(logit).toBeCloseTo(expected[index]!, 1);
      expect(logits).toHaveLength(3);
    }
  });

  test("unknown score and activation map come where the graph has them, the map only when asked for", async () => {
    for (const key of ["rgb-float32/1.0.0", "fixed-batch-4/1.0.0"]) {
      const images = [picture("green", { explain: true }), picture([100, 100, 100]), picture("blue")];
      const [green, grey, blue] = (await thread.run(key, images)).rows.map((outcome) =>
        outcome.ok ? outcome.row : null,
      );
      expect(green!.unknownScore).toBeCloseTo(1 - 240 / 255, 5);
      expect(grey!.unknownScore).toBeCloseTo(1, 5);
      expect(blue!.activationMap).toBeNull();
      expect(green!.activationMap).toMatchObject({ rows: 4, columns: 4 });
      // The first class is green, whose channel is full everywhere.
      for (const value of green!.activationMap!.data) expect(value).toBeCloseTo(250 / 255, 5);
    }
    const [plain] = (await thread.run("opset-13/1.0.0", [picture("red", { explain: true })])).rows;
    expect(plain).toMatchObject({ ok: true, row: { unknownScore: null, activationMap: null } });
  });

  test("what follows a picture in its buffer is passed over", async () => {
    const exact = picture([250, 100, 40]);
    const longer = { ...exact, data: new Uint8Array(exact.data.byteLength + 5000).fill(77).buffer };
    new Uint8Array(longer.data).set(new Uint8Array(exact.data));
    const [first] = (await thread.run("rgb-float32/1.0.0", [exact])).rows;
    const [second] = (await thread.run("rgb-float32/1.0.0", [longer])).rows;
    expect(second).toEqual(first!);
  });

  test("gives the buffers back, whole", async () => {
    const images = [picture("red"), picture("blue")];
    const { buffers } = await thread.run("rgb-float32/1.0.0", images);
    expect(images.map(({ data }) => data.byteLength)).toEqual([0, 0]);
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual([20 * 30 * 3, 20 * 30 * 3]);
  });

  test("more images than the largest batch are answered, too", async () => {
    const colors: Color[] = ["red", "green", "blue", "blue", "green", "red"];
    for (const key of ["fixed-batch-1/1.0.0", "fixed-batch-4/1.0.0"]) {
      const { rows } = await thread.run(
        key,
        colors.map((color) => picture(color)),
      );
      expect(rows.map((outcome) => outcome.ok && top(outcome.row, find(key)))).toEqual(colors);
    }
  });

  test("runs that arrive together do not mix", async () => {
    const colors: Color[] = ["red", "green", "blue", "green", "red", "blue"];
    const model = "rgb-float32/1.0.0";
    const answers = await thread.pipeline(
      colors.map((color, batch) => ({ kind: "run", batch, model, images: [picture(color), picture(color)] })),
    );
    answers.forEach((answer, batch) => {
      if (answer.kind !== "done") throw new Error(`expected done, received ${answer.kind}`);
      expect(answer.batch).toBe(batch);
      const classes = answer.rows.map((outcome) => outcome.ok && top(outcome.row, find(model)));
      expect(classes).toEqual([colors[batch]!, colors[batch]!]);
    });
  });

  test("an image that is not whole fails alone", async () => {
    const torn = { ...picture("red"), width: 21 };
    const { rows } = await thread.run("rgb-float32/1.0.0", [picture("blue"), torn, picture("green")]);
    expect(rows.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(rows[1]).toMatchObject({ failure: { code: "INFERENCE_FAILED" } });
    const alone = await thread.run("rgb-float32/1.0.0", [{ ...picture("red"), width: 21 }]);
    expect(alone.rows.map(({ ok }) => ok)).toEqual([false]);
  });

  test("an image that the graph fails on fails alone, and says nothing of the runtime in public", async () => {
    const images = [picture("red"), picture("white"), picture("blue")];
    const { rows } = await thread.run("fails-on-white/1.0.0", images);
    expect(rows.map(({ ok }) => ok)).toEqual([true, false, true]);
    const failure = rows[1]!.ok ? null : rows[1]!.failure;
    expect(failure!.code).toBe("INFERENCE_FAILED");
    expect(failure!.cause).toMatch(/gather/i);
    expect(failure!.detail).not.toMatch(/gather|onnx|node/i);
    expect(rows.map((outcome) => outcome.ok && top(outcome.row, find("fails-on-white/1.0.0")))).toEqual([
      "red",
      false,
      "blue",
    ]);
    const after = await thread.run("fails-on-white/1.0.0", [picture("green")]);
    expect(after.rows[0]!.ok).toBe(true);
  });

  test("what fills up a fixed batch never makes another row fail", async () => {
    const run = async (...colors: Color[]) => {
      const { rows } = await thread.run(
        "fails-on-white-4/1.0.0",
        colors.map((color) => picture(color)),
      );
      return rows.map((outcome) =>
        outcome.ok ? top(outcome.row, find("fails-on-white-4/1.0.0")) : "failed",
      );
    };
    expect(await run("white", "white")).toEqual(["failed", "failed"]);
    expect(await run("red")).toEqual(["red"]);
    expect(await run("blue", "white", "green")).toEqual(["blue", "failed", "green"]);
  });

  test("a model that is not loaded is a failure of every row, and no rows are no failure", async () => {
    const { rows, buffers } = await thread.run("nobody/1.0.0", [picture("red"), picture("red")], 7);
    expect(rows.map((outcome) => (outcome.ok ? "ok" : outcome.failure.code))).toEqual([
      "MODEL_NOT_READY",
      "MODEL_NOT_READY",
    ]);
    expect(buffers).toHaveLength(2);
    expect((await thread.run("rgb-float32/1.0.0", [], 8)).rows).toEqual([]);
  });
});

test.if(process.platform === "linux")(
  "a session has the threads that its manifest says, and answers alike",
  async () => {
    const threads = () => readdirSync("/proc/self/task").length;
    const load = async (execution: Model["manifest"]["execution"]) => {
      const model = find("rgb-float32/1.0.0");
      const thread = new Thread();
      const before = threads();
      await thread.ask({ kind: "load", models: [{ ...model, manifest: { ...model.manifest, execution } }] });
      const more = threads() - before;
      const { rows } = await thread.run(model.key, [picture("green")]);
      expect(await thread.leave()).toBe(0);
      return { more, answer: rows[0]!.ok && top(rows[0]!.row, model) };
    };
    const usual = await load(undefined);
    const many = await load({ threads: 9, graph_optimization: "disabled" });
    expect([usual.answer, many.answer]).toEqual(["green", "green"]);
    expect(many.more - usual.more).toBeGreaterThanOrEqual(7);
  },
);

describe("a manifest that is not what the graph is stops the load and says why", () => {
  async function loadFailure(change: (model: Model) => void, key = "rgb-float32/1.0.0"): Promise<string> {
    const model = structuredClone(find(key)) as Model;
    change(model);
    const thread = new Thread();
    const answer = await thread.ask({ kind: "load", models: [find("opset-13/1.0.0"), model] });
    expect(await thread.leave()).toBe(0);
    if (answer.kind !== "load_failed") throw new Error(`expected load_failed, received ${answer.kind}`);
    expect(answer.failure).toMatchObject({
      code: "MODEL_NOT_READY",
      detail: "The model could not be loaded.",
    });
    return answer.failure.cause!;
  }

  test("input, layout and outputs, every mistake at once", async () => {
    const cause = await loadFailure(({ manifest }) => {
      manifest.input.dtype = "uint8";
      manifest.input.layout = "NHWC";
      manifest.outputs.logits.name = "scores";
    });
    expect(cause.split("\n")).toEqual([
      "rgb-float32/1.0.0: manifest.json: input.dtype: expected float32, received uint8",
      "rgb-float32/1.0.0: manifest.json: input.layout, input.width, input.height: expected [N, 3, 16, 16], received NHWC [N, 16, 16, 3]",
      "rgb-float32/1.0.0: manifest.json: outputs.logits.name: expected one of logits, unknown_score, activation_map, received scores",
    ]);
  });

  test("the input's name", async () => {
    const cause = await loadFailure(({ manifest }) => {
      manifest.input.name = "picture";
    });
    expect(cause).toContain("input.name: expected one of image, received picture");
  });

  test("the number of labels", async () => {
    const cause = await loadFailure((model) => {
      model.labels = model.labels.slice(0, 2);
    });
    expect(cause).toContain("outputs.logits.name: expected an output of [N, 2] or");
    expect(cause).toContain("received logits [N, 3]");
  });

  test("a batch that the graph does not take", async () => {
    const cause = await loadFailure(({ manifest }) => {
      manifest.batch.max_size = 8;
    }, "fixed-batch-4/1.0.0");
    expect(cause).toContain("batch.max_size: expected 4, which the graph's input insists on, received 8");
  });

  test("a file that was changed since it was checked", async () => {
    const cause = await loadFailure(({ manifest }) => {
      manifest.sha256 = "0".repeat(64);
    });
    expect(cause).toMatch(/sha256: expected [0-9a-f]{64}, the digest of model.onnx, received 0{64}/);
  });
});
