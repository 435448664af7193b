import { expect, test } from "bun:test";

/** A Python with Pillow 13.0.0 and numpy. Given by whoever runs the tests; CI always does. */
const python = process.env.PINHOLE_TEST_PYTHON;

test.skipIf(python === undefined)(
  "Pillow still makes the committed reference pixels (wants PINHOLE_TEST_PYTHON, a Python with Pillow 13.0.0 and numpy)",
  async () => {
    const script = new URL("make_reference.py", import.meta.url).pathname;
    const run = Bun.spawn([python!, script, "--check"], { stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([
      new Response(run.stdout).text(),
      new Response(run.stderr).text(),
      run.exited,
    ]);
    expect(err).toBe("");
    expect(out).toMatch(/^\d+ cases, 0 differ/);
    expect(code).toBe(0);
  },
  60_000,
);
