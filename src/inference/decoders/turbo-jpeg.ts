import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Size } from "../decode-size.ts";

/** Numbers of libjpeg-turbo 3.1's turbojpeg.h: enum TJINIT, TJPARAM and TJPF. */
const DECOMPRESS = 1;
const STOP_ON_WARNING = 0;
const JPEG_WIDTH = 5;
const JPEG_HEIGHT = 6;
const MAX_PIXELS = 24;
const RGB = 0;

/** Where the package keeps the library; the first that can be loaded is the one for this machine's libc. */
const BUILDS = ["", "-musl"].map((libc) => `jpeg-turbo-${process.platform}-${process.arch}${libc}`);
const LIBRARY = "libturbojpeg.so.0";

/** By how much a JPEG can be shrunk while it is decoded: what the library has fast code for. */
export type Shrink = 1 | 2 | 4 | 8;

type Call = { (...args: unknown[]): number; async(...args: unknown[]): void };

interface Calls {
  tj3Init(init: number): bigint | null;
  tj3Set: Call;
  tj3Get: Call;
  tj3SetScalingFactor: Call;
  tj3DecompressHeader: Call;
  tj3Decompress8: Call;
  tj3GetErrorStr(handle: bigint): string;
}

/** The library will not say that this JPEG is whole and sound: it could not decode it, or it has a warning. */
export class TurboJpegError extends Error {
  override name = "TurboJpegError";
}

/** Width and height of a picture shrunk, as libjpeg rounds them. */
export function shrunkSize({ width, height }: Size, shrink: Shrink): Size {
  return { width: Math.ceil(width / shrink), height: Math.ceil(height / shrink) };
}

/**
 * libjpeg-turbo by its TurboJPEG interface, with the accurate DCT and upsampling that libvips and Pillow use too,
 * so that a picture decoded at full size is theirs to the bit. The library is the one inside the package
 * @julusian/jpeg-turbo; that package's own addon always takes the fast, coarse DCT (a level too dark on average,
 * dozens wrong at high quality), so the library is called through koffi instead.
 * @see https://github.com/libjpeg-turbo/libjpeg-turbo/blob/3.1.3/src/turbojpeg.h
 */
export class TurboJpeg {
  readonly #calls: Calls;
  readonly #idle: bigint[] = [];
  /** What running calls read and write must not be collected under them. */
  readonly #held = new Map<bigint, readonly Uint8Array[]>();

  private constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** @throws Error where this platform has no such library, or none that can be loaded */
  static async load(): Promise<TurboJpeg> {
    const { default: koffi } = await import("koffi");
    const manifest = fileURLToPath(import.meta.resolve("@julusian/jpeg-turbo/package.json"));
    const troubles: string[] = [];
    for (const build of BUILDS) {
      const file = join(dirname(manifest), "prebuilds", build, LIBRARY);
      try {
        const library = koffi.load(file);
        const factor = koffi.struct({ num: "int", denom: "int" });
        const calls = {
          tj3Init: library.func("void *tj3Init(int)"),
          tj3Set: library.func("int tj3Set(void *, int, int)"),
          tj3Get: library.func("int tj3Get(void *, int)"),
          tj3SetScalingFactor: library.func("tj3SetScalingFactor", "int", ["void *", factor]),
          tj3DecompressHeader: library.func("int tj3DecompressHeader(void *, const uint8_t *, size_t)"),
          tj3Decompress8: library.func(
            "int tj3Decompress8(void *, const uint8_t *, size_t, uint8_t *, int, int)",
          ),
          tj3GetErrorStr: library.func("const char *tj3GetErrorStr(void *)"),
        };
        return new TurboJpeg(calls as unknown as Calls);
      } catch (error) {
        troubles.push(error instanceof Error ? error.message : String(error));
      }
    }
    throw new Error(troubles.join("; "));
  }

  /**
   * Decodes off the JS thread.
   *
   * @param source a whole JPEG; must not be changed meanwhile
   * @param size its width and height as stored. Nothing is written of a picture that has more pixels than these, nor
   * of one to be shrunk that has other sides
   * @param pixels receives RGB u8, [height, width, 3] of `shrunkSize(size, shrink)`, exactly
   * @throws TurboJpegError, also where the library only warns; `pixels` then holds anything
   */
  async decode(source: Uint8Array, size: Size, shrink: Shrink, pixels: Uint8Array): Promise<void> {
    const shrunk = shrunkSize(size, shrink);
    if (pixels.length !== shrunk.width * shrunk.height * 3) throw new RangeError("pixels of another size");
    const handle = this.#idle.pop() ?? this.#open();
    this.#held.set(handle, [source, pixels]);
    // Short arrays live inside the collector's memory until somebody asks for their buffer, and move then.
    void source.buffer;
    void pixels.buffer;
    try {
      const { tj3Set, tj3SetScalingFactor, tj3Decompress8 } = this.#calls;
      this.#check(handle, tj3SetScalingFactor(handle, { num: 1, denom: shrink }));
      // The library finds the size in the bytes by itself: this keeps it from writing more than there is room for.
      this.#check(handle, tj3Set(handle, MAX_PIXELS, size.width * size.height));
      if (shrink !== 1) await this.#checkSize(handle, source, size);
      await this.#run(tj3Decompress8, handle, source, source.length, pixels, 0, RGB);
    } finally {
      this.#held.delete(handle);
      this.#idle.push(handle);
    }
  }

  /** Of a shrunk picture the number of pixels alone says too little: its sides are rounded up. */
  async #checkSize(handle: bigint, source: Uint8Array, { width, height }: Size): Promise<void> {
    await this.#run(this.#calls.tj3DecompressHeader, handle, source, source.length);
    const { tj3Get } = this.#calls;
    if (tj3Get(handle, JPEG_WIDTH) !== width || tj3Get(handle, JPEG_HEIGHT) !== height) {
      throw new TurboJpegError("another size than its header was read to have");
    }
  }

  #open(): bigint {
    const handle = this.#calls.tj3Init(DECOMPRESS);
    if (handle === null) throw new TurboJpegError("no memory for a decoder");
    this.#check(handle, this.#calls.tj3Set(handle, STOP_ON_WARNING, 1));
    return handle;
  }

  #run(call: Call, handle: bigint, ...args: unknown[]): Promise<void> {
    return new Promise((resolve, reject) => {
      call.async(handle, ...args, (error: Error | null, status: number) => {
        if (error !== null) reject(error);
        else if (status === 0) resolve();
        // What it was is known to the thread that ran the call, and cannot be asked for here.
        else reject(new TurboJpegError("the picture is damaged or odd"));
      });
    });
  }

  #check(handle: bigint, status: number): void {
    if (status !== 0) throw new TurboJpegError(this.#calls.tj3GetErrorStr(handle));
  }
}
