import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "./server.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Closer than this, the first two classes are a draw: decoders differ by half a level, and either may win. */
const DRAW = 0.005;

interface PlainAnswer {
  file: string;
  top1: string;
  prob: number;
  margin: number;
}

interface Answer {
  model: { name: string; version: string };
  predictions: { class_id: string; prob: number }[];
}

/** Runs test/tools/plain_answers.py, which opens the model by itself. */
async function plainAnswers(modelDir: string, out: string): Promise<PlainAnswer[]> {
  const python = process.env.PINHOLE_TEST_PYTHON;
  if (!python) throw new Error("PINHOLE_TEST_PYTHON must name the Python of test/tools/requirements.txt");
  const script = [
    join(ROOT, "test/tools/plain_answers.py"),
    modelDir,
    join(ROOT, "test/fixtures/leaves"),
    out,
  ];
  const run = Bun.spawn([python, ...script], { stdout: "pipe", stderr: "inherit" });
  const text = await run.stdout.text();
  expect(await run.exited).toBe(0);
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("the first class is the one that a plain script finds, for every photograph", async () => {
  const out = await mkdtemp(join(tmpdir(), "pinhole-derived-"));
  try {
    await using server = await startServer({ PINHOLE_RATE_LIMIT_REQUESTS: "1000" });
    const ask = async (file: string) => {
      const bytes = await Bun.file(join(out, file)).bytes();
      const response = await fetch(`${server.url}/api/v1/predict?top_k=2`, {
        method: "POST",
        body: bytes,
        headers: { "Content-Type": "application/octet-stream" },
      });
      expect(response.status).toBe(200);
      return (await response.json()) as Answer;
    };
    const info = (await (await fetch(`${server.url}/api/v1/model_info`)).json()) as {
      name: string;
      version: string;
    };
    const plain = await plainAnswers(join(ROOT, "models", info.name, info.version), out);
    expect(plain.length).toBeGreaterThanOrEqual(20);
    const clear = plain.filter(({ margin }) => margin > DRAW);
    expect(clear.length).toBeGreaterThanOrEqual(20);

    const different: string[] = [];
    let furthest = 0;
    for (const { file, top1, prob } of clear) {
      const [first] = (await ask(file)).predictions;
      furthest = Math.max(furthest, Math.abs(first!.prob - prob));
      if (first!.class_id !== top1)
        different.push(`${file}: ${first!.class_id} ${first!.prob}, plainly ${top1} ${prob}`);
    }
    console.log(
      `${clear.length} photographs, ${plain.length - clear.length} draws; probabilities differ by at most ${furthest.toFixed(4)}`,
    );
    expect(different).toEqual([]);
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}, 120_000);
