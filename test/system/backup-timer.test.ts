import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const UNITS = ["pinhole-backup.service", "pinhole-backup.timer"];

test("the units of the nightly backup are what systemd takes, without a complaint", async () => {
  const scratch = await mkdtemp(join(tmpdir(), "pinhole-units-"));
  try {
    for (const unit of [...UNITS, "pinhole.service"]) {
      const text = await Bun.file(`deploy/systemd/${unit}`).text();
      // Bun is installed elsewhere than here; everything else is read as it stands.
      await Bun.write(join(scratch, unit), text.replace("/opt/pinhole/bin/bun", process.execPath));
    }
    const child = Bun.spawn(["systemd-analyze", "verify", ...UNITS.map((unit) => join(scratch, unit))], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = (await child.stdout.text()) + (await child.stderr.text());
    expect({ said, code: await child.exited }).toEqual({ said: "", code: 0 });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});

/** The server's threads that infer lower their priority; a backup has none. */
const OF_THE_SERVER_ALONE = "SystemCallFilter=setpriority";

test("the backup is confined as the server is", async () => {
  const keys = async (unit: string) => {
    const text = await Bun.file(`deploy/systemd/${unit}`).text();
    const hardening =
      /^(Protect|Private|Restrict|System|Capability|Ambient|NoNew|Lock|Keyring|RemoveIPC|UMask|State|Device|IP)/;
    return text.split("\n").filter((line) => hardening.test(line));
  };
  const server = await keys("pinhole.service");
  expect(server.length).toBeGreaterThan(20);
  expect(server).toContain(OF_THE_SERVER_ALONE);
  expect(await keys("pinhole-backup.service")).toEqual(server.filter((line) => line !== OF_THE_SERVER_ALONE));
});
