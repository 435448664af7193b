import { basename } from "node:path";

const LEAVES = new URL("../fixtures/leaves/", import.meta.url).pathname;

/** A real photograph of a leaf, from test/fixtures/leaves. */
export interface Photograph {
  filename: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export async function photographs(): Promise<Photograph[]> {
  const paths = [...new Bun.Glob("**/*.jpg").scanSync({ cwd: LEAVES, absolute: true })].sort();
  if (paths.length === 0) throw new Error("test/fixtures/leaves holds no photograph");
  return Promise.all(
    paths.map(async (path) => ({ filename: basename(path), bytes: await Bun.file(path).bytes() })),
  );
}

/** Multipart body with the given parts under one field name. */
export function form(
  parts: { filename: string; bytes: Uint8Array<ArrayBuffer>; type?: string }[],
  field = "files",
): FormData {
  const body = new FormData();
  for (const { filename, bytes, type } of parts) {
    body.append(field, new File([bytes], filename, { type: type ?? "image/jpeg" }));
  }
  return body;
}
