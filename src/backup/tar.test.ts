import { describe, expect, test } from "bun:test";
import { BackupError } from "./backup-error.ts";
import { readTar, type TarFile, writeTar } from "./tar.ts";

async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const file = (name: string, content: Uint8Array): TarFile => ({
  name,
  bytes: content.length,
  modifiedAt: 1_790_000_000,
  content: pieces(content, 100),
});

const SAMPLE = {
  "manifest.json": new TextEncoder().encode('{"version":1}'),
  "whole-blocks": new Uint8Array(1024).fill(7),
  empty: new Uint8Array(0),
};

async function pack(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeTar(Object.entries(SAMPLE).map(([name, content]) => file(name, content))))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function unpack(archive: Uint8Array, pieceBytes: number) {
  const found: Record<string, Uint8Array> = {};
  for await (const { name, content } of readTar(pieces(archive, pieceBytes))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    found[name] = new Uint8Array(Buffer.concat(chunks));
  }
  return found;
}

describe("tar", () => {
  test.each([1, 511, 512, 1_000_000])("what was packed comes out, in pieces of %d bytes", async (bytes) => {
    expect(await unpack(await pack(), bytes)).toEqual(SAMPLE);
  });

  test("the system's tar reads it", async () => {
    const child = Bun.spawn(["tar", "-tvf", "-"], { stdin: await pack(), stdout: "pipe", stderr: "pipe" });
    const listed = await child.stdout.text();
    expect(await child.exited).toBe(0);
    expect(
      listed
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/).at(-1)),
    ).toEqual(Object.keys(SAMPLE));
    expect(listed).toContain("-rw-------");
  });

  test("the size of a file past 8 GiB is kept", async () => {
    const bytes = 9 * 1024 ** 3;
    const { value: first } = await writeTar([{ ...file("large", new Uint8Array(1)), bytes }]).next();
    const { value } = await readTar(pieces(first!, 512)).next();
    expect(value).toMatchObject({ name: "large", bytes });
  });

  test("a file that does not keep its promise is an error", async () => {
    const wrong = writeTar([{ ...file("x", new Uint8Array(5)), bytes: 6 }]);
    expect(Array.fromAsync(wrong)).rejects.toThrow("5 bytes instead of 6");
  });

  test("cut off anywhere, it is refused", async () => {
    const archive = await pack();
    for (const at of [0, 1, 512, 600, archive.length - 1024])
      expect(unpack(archive.subarray(0, at), 512)).rejects.toThrow(BackupError);
  });

  test("a changed header and a link are refused", async () => {
    const changed = new Uint8Array(await pack());
    changed[0] = 65;
    expect(unpack(changed, 512)).rejects.toThrow("checksum");
    const link = new Uint8Array(await pack());
    link[156] = 0x32;
    link.set(
      new TextEncoder().encode(
        (Number.parseInt(Buffer.from(link.subarray(148, 154)).toString(), 8) + 2)
          .toString(8)
          .padStart(6, "0"),
      ),
      148,
    );
    expect(unpack(link, 512)).rejects.toThrow("plain files");
  });
});
