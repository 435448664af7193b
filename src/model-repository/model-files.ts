import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { Manifest } from "./manifest.ts";
import type { Problem } from "./problem.ts";

/** SHA-256 of a file as 64 hexadecimal characters, read in pieces. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest("hex");
}

/** Which of the files that a manifest names, the ONNX file and its external data, are not what it says. */
export async function fileProblems(folder: string, manifest: Manifest): Promise<Problem[]> {
  const { file, sha256, external_data: externalData = [] } = manifest;
  const listed = [
    { field: "sha256", file, sha256 },
    ...externalData.map((entry, index) => ({ field: `external_data.${index}.sha256`, ...entry })),
  ];
  const problems: Problem[] = [];
  for (const entry of listed) {
    let received: string;
    try {
      received = await fileSha256(join(folder, entry.file));
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code ?? "unreadable";
      problems.push({ field: entry.field, expected: `a readable file ${entry.file}`, received: code });
      continue;
    }
    if (received !== entry.sha256) {
      problems.push({
        field: entry.field,
        expected: `${received}, the digest of ${entry.file}`,
        received: entry.sha256,
      });
    }
  }
  return problems;
}
