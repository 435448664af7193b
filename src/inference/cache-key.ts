/** SHA-256 of an image's bytes as they were sent, 64 hexadecimal characters. 56 us for 100 KB: hash it once. */
export function imageDigest(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/**
 * Key of an answer: SHA-256, 64 hexadecimal characters, over everything that determines it. Each part is
 * framed by its length in bytes (u32), so that no two lists of parts run together alike.
 * @param image `imageDigest` of the photograph
 * @param modelDigest digest of the model with its preprocessing, labels and calibration
 * @param options the options that change the answer, in one canonical spelling
 */
export function cacheKey(image: string, modelDigest: string, options: string): string {
  const hasher = new Bun.CryptoHasher("sha256");
  const encoder = new TextEncoder();
  for (const part of [image, modelDigest, options]) {
    const bytes = encoder.encode(part);
    hasher.update(new Uint32Array([bytes.length])).update(bytes);
  }
  return hasher.digest("hex");
}
