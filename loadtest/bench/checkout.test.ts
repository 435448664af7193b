import { expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { checkOut } from "./checkout.ts";
import { CHECKOUT } from "./server.ts";

test("a revision that is not there is named, and leaves nothing behind", async () => {
  const folders = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith("pinhole-revision-"));
  const before = await folders();
  await expect(checkOut(CHECKOUT, "no-such-revision")).rejects.toThrow("no-such-revision");
  expect(await folders()).toEqual(before);
});
