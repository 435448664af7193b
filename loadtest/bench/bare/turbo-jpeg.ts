import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Numbers of libjpeg-turbo 3.1's turbojpeg.h. */
const [DECOMPRESS, RGB, JPEG_WIDTH, JPEG_HEIGHT] = [1, 0, 5, 6];
const LIBRARY = "libturbojpeg.so.0";

export interface Size {
  width: number;
  height: number;
}

/** libjpeg-turbo called straight and synchronously: the least that decoding can cost. */
export interface TurboJpeg {
  size(jpeg: Uint8Array): Size;
  /**
   * @param eighths of the picture's size: 1, 2, 4 or 8
   * @param pixels receives RGB u8 [ceil(height * eighths / 8), ceil(width * eighths / 8), 3]
   */
  decode(jpeg: Uint8Array, eighths: number, pixels: Uint8Array): void;
}

/** @throws Error where this machine has no such library */
export async function openTurboJpeg(): Promise<TurboJpeg> {
  const { default: koffi } = await import("koffi");
  const folder = dirname(fileURLToPath(import.meta.resolve("@julusian/jpeg-turbo/package.json")));
  const isMusl = (await Array.fromAsync(new Bun.Glob("ld-musl-*").scan("/lib"))).length > 0;
  const build = `jpeg-turbo-${process.platform}-${process.arch}${isMusl ? "-musl" : ""}`;
  const library = koffi.load(join(folder, "prebuilds", build, LIBRARY));
  const factor = koffi.struct({ num: "int", denom: "int" });
  const get = library.func("int tj3Get(void *, int)");
  const scale = library.func("tj3SetScalingFactor", "int", ["void *", factor]);
  const header = library.func("int tj3DecompressHeader(void *, const uint8_t *, size_t)");
  const decompress = library.func("int tj3Decompress8(void *, const uint8_t *, size_t, uint8_t *, int, int)");
  const handle: unknown = library.func("void *tj3Init(int)")(DECOMPRESS);
  const mustBeZero = (status: number) => {
    if (status !== 0) throw new Error("libjpeg-turbo cannot decode this photograph");
  };
  return {
    size(jpeg) {
      mustBeZero(header(handle, jpeg, jpeg.length));
      return { width: get(handle, JPEG_WIDTH), height: get(handle, JPEG_HEIGHT) };
    },
    decode(jpeg, eighths, pixels) {
      // The library knows its factors in lowest terms only.
      mustBeZero(scale(handle, { num: 1, denom: 8 / eighths }));
      mustBeZero(decompress(handle, jpeg, jpeg.length, pixels, 0, RGB));
    },
  };
}
