/** Where decoders get the memory of an image tensor from. */
export interface ImageMemory {
  /**
   * A view of exactly `bytes` bytes on the beginning of a buffer that is nobody else's. What stood in it before
   * still does: whoever takes it overwrites all of it, or gives it back.
   */
  take(bytes: number): Uint8Array<ArrayBuffer>;
  /** Gives back a buffer that nobody reads any more. One that was not taken here, or is detached, is passed over. */
  give(buffer: ArrayBufferLike): void;
}

/** Smaller ones are not worth a place of their own. */
const SMALLEST_BYTES = 16 * 1024;

/**
 * Buffers that are used again: fresh memory must be mapped, zeroed page by page and collected later. Each is
 * rounded up to a class of its size, at most a quarter more than was asked for, so that photographs of many sizes
 * can use each other's. What lies idle is bounded; the longest unused goes first. Those in use are bounded by
 * whoever bounds the decoding.
 */
export class BufferPool implements ImageMemory {
  readonly #maxBytes: number;
  /** The longest unused first. */
  readonly #idle: ArrayBuffer[] = [];
  #idleBytes = 0;

  /** @param options.maxBytes how many bytes may lie idle */
  constructor(options: { maxBytes: number }) {
    this.#maxBytes = options.maxBytes;
  }

  /** Bytes that wait to be used again. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  take(bytes: number): Uint8Array<ArrayBuffer> {
    const size = classBytes(bytes);
    // The one used last is the likeliest to be in a cache.
    const at = this.#idle.findLastIndex(({ byteLength }) => byteLength === size);
    if (at === -1) return new Uint8Array(new ArrayBuffer(size), 0, bytes);
    const [buffer] = this.#idle.splice(at, 1);
    this.#idleBytes -= size;
    return new Uint8Array(buffer!, 0, bytes);
  }

  give(buffer: ArrayBufferLike): void {
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== classBytes(buffer.byteLength)) return;
    this.#idle.push(buffer);
    this.#idleBytes += buffer.byteLength;
    while (this.#idleBytes > this.#maxBytes) this.#idleBytes -= this.#idle.shift()!.byteLength;
  }
}

/** The class that holds `bytes`: 4, 5, 6 or 7 times a power of two. */
function classBytes(bytes: number): number {
  if (bytes <= SMALLEST_BYTES) return SMALLEST_BYTES;
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 2);
  return Math.ceil(bytes / step) * step;
}
