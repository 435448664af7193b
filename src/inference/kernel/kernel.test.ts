import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../../..");

test("kernel.wasm is what `bun run kernel:build` makes of kernel.assembly.ts", async () => {
  const { scripts } = await Bun.file(join(ROOT, "package.json")).json();
  const folder = await mkdtemp(join(tmpdir(), "pinhole-kernel-"));
  try {
    const [program, ...args] = (scripts["kernel:build"] as string).split(" ");
    expect([program, args.at(-2)]).toEqual(["bun", "--outFile"]);
    const built = join(folder, "kernel.wasm");
    const build = Bun.spawn([process.execPath, ...args.slice(0, -1), built], {
      cwd: ROOT,
      env: { HOME: folder, PATH: process.env.PATH },
      stderr: "pipe",
    });
    expect([await build.exited, await build.stderr.text()]).toEqual([0, ""]);
    const committed = await Bun.file(join(import.meta.dir, "kernel.wasm")).bytes();
    expect(await Bun.file(built).bytes()).toEqual(committed);
  } finally {
    await rm(folder, { recursive: true });
  }
});
