/** SHA-256 of an image's bytes as they were sent, 64 hexadecimal characters. 56 us for 100 KB: hash it once. */
export function imageDigest(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/**
 * Key of an answer: everything that determines it. Each part is framed by its length, so that no two lists of parts
 * run together alike; the two that are large stand there as digests.
 * @param image `imageDigest` of the photograph
 * @param modelDigest digest of the model with its preprocessing, labels and calibration
 * @param options the options that change the answer, in one canonical spelling
 */
export function cacheKey(image: string, modelDigest: string, options: string): string {
  return `${image.length}:${image}${modelDigest.length}:${modelDigest}${options.length}:${options}`;
}
