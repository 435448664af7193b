"""Makes the golden images and, independently of the server, the pixels they must decode to.

  python make_reference.py           writes sources, references and cases.json under test/fixtures/images
  python make_reference.py --check   makes the references anew from the committed sources and compares

Needs Pillow 13.0.0 and numpy; to write, also what `bun install` brings on Linux x64. References: the picture
upright, in sRGB, on white where it is see-through (`<name>.pixels.png`), and fitted to the model's size with
Pillow's antialiased bilinear filter (`<name>.model.png`).
"""

import ctypes
import hashlib
import io
import json
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

FIXTURES = Path(__file__).parent.parent / "fixtures"
IMAGES = FIXTURES / "images"
LEAVES = sorted((FIXTURES / "leaves").glob("*.jpg"))
TARGET = 48
ORIENTATION = 0x0112


# --- ICC profiles, made by hand so that nobody's copyright is shipped ---------------------------------------


def s15f16(value):
    return struct.pack(">i", round(value * 65536))


def curve(gamma):
    return b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256)) + b"\0\0"


def xyz(values):
    return b"XYZ " + b"\0" * 4 + b"".join(s15f16(v) for v in values)


def description(text):
    data = text.encode() + b"\0"
    return b"desc" + b"\0" * 4 + struct.pack(">I", len(data)) + data + b"\0" * 78


def profile(kind, space, pcs, tags):
    """An ICC version 2 profile: tags is {signature: bytes}."""
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for signature, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        table += struct.pack(">4sII", signature, at, len(data))
        body += data
        at += len(data)
    header = struct.pack(">I4sI4s4s4s", at, b"none", 0x02400000, kind, space, pcs)
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 24 + struct.pack(">I", 0)
    header += b"".join(s15f16(v) for v in (0.9642, 1.0, 0.8249))
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def matrix_profile(name, red, green, blue, gamma):
    return profile(b"mntr", b"RGB ", b"XYZ ", {
        b"desc": description(name), b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue),
        b"rTRC": curve(gamma), b"gTRC": curve(gamma), b"bTRC": curve(gamma),
    })


def grey_profile(gamma):
    return profile(b"mntr", b"GRAY", b"XYZ ", {
        b"desc": description("Grey"), b"wtpt": xyz((0.9642, 1.0, 0.8249)), b"kTRC": curve(gamma),
    })


def cmyk_profile():
    """A press that never was: four inks that multiply, each a little impure, as a table of 5^4 Lab colours."""
    steps = np.linspace(0, 1, 5)
    inks = np.array([[0.1, 0.55, 0.75], [0.8, 0.1, 0.35], [0.95, 0.85, 0.1], [0.08, 0.08, 0.08]])
    grid = np.stack(np.meshgrid(steps, steps, steps, steps, indexing="ij"), -1).reshape(-1, 4)
    light = np.prod(1 - grid[:, :, None] * (1 - inks[None]), 1)  # linear RGB reflectance
    to_xyz = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
    f = np.cbrt(np.maximum((light @ to_xyz.T) / [0.9642, 1.0, 0.8249], 0.009))
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)
    codes = np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], -1)
    straight = struct.pack(">HH", 0, 65535)
    table = b"mft2" + b"\0" * 4 + struct.pack(">BBBx", 4, 3, 5)
    table += b"".join(s15f16(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)) + struct.pack(">HH", 2, 2)
    table += straight * 4 + np.clip(np.rint(codes), 0, 65535).astype(">u2").tobytes() + straight * 3
    return profile(b"prtr", b"CMYK", b"Lab ", {
        b"desc": description("Golden press"), b"wtpt": xyz((0.9642, 1.0, 0.8249)), b"A2B0": table,
    })


DISPLAY_P3 = matrix_profile(
    "Wide P3", (0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841), 2.2)
ADOBE_RGB = matrix_profile(
    "Wide A98", (0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457), 563 / 256)


# --- sources ------------------------------------------------------------------------------------------------


def leaf(index, width, height):
    """A photograph, scaled to cover width x height and cropped."""
    with Image.open(LEAVES[index % len(LEAVES)]) as image:
        return ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.LANCZOS)


def mosaic(width, height):
    """Photographs side by side at their own size, turned at random: sharp detail at every scale."""
    random = np.random.default_rng(7)
    sheet = Image.new("RGB", (width, height))
    for y in range(0, height, 256):
        for x in range(0, width, 256):
            tile = leaf(int(random.integers(len(LEAVES))), 256, 256)
            sheet.paste(tile.rotate(90 * int(random.integers(4))), (x, y))
    return sheet


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif(orientation, big_endian=False):
    order = ">" if big_endian else "<"
    head = b"MM\0*" if big_endian else b"II*\0"
    entry = struct.pack(order + "HHIHH", ORIENTATION, 3, 1, orientation, 0)
    return b"Exif\0\0" + head + struct.pack(order + "IH", 8, 1) + entry + b"\0\0\0\0"


def png(array, color_type, depth):
    """A PNG written by hand, for what Pillow cannot write: 16 bits with several channels, and tRNS."""
    height, width = array.shape[:2]
    rows = array.astype(">u2" if depth == 16 else "u1").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")


def with_chunk(data, kind, body):
    """A PNG with one more chunk right after its header."""
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + chunk + data[33:]


def interlaced_png(image):
    """Adam7, which Pillow reads but does not write."""
    pixels = np.asarray(image)
    height, width = pixels.shape[:2]
    raw = b""
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        for row in pixels[y0::dy, x0::dx]:
            raw += b"\0" + row.tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)
    out = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")):
        out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out


def soft_alpha(width, height):
    """From solid to clear, left to right, with a hole."""
    ramp = np.tile(np.linspace(255, 0, width), (height, 1))
    ramp[height // 4 : height // 2, width // 4 : width // 2] = 0
    return np.rint(ramp).astype(np.uint8)


def cmyk(image):
    """Inks with real black in them, so that the four channels all matter."""
    rgb = np.asarray(image).astype(float) / 255
    black = (1 - rgb.max(-1)) * 0.8
    inks = 1 - rgb / np.maximum(1 - black, 1e-6)[..., None]
    return Image.fromarray(np.rint(np.clip(np.dstack([inks, black]), 0, 1) * 255).astype(np.uint8), "CMYK")


def without_adobe(data):
    """A JPEG without its Adobe segment (APP14): its four channels are inks, not inverted ones."""
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def ycck(image):
    """An Adobe YCCK JPEG: the channels hold YCbCr of the inverted inks and K, the Adobe segment says so."""
    inks = np.asarray(cmyk(image))
    ycc = np.asarray(Image.fromarray(np.ascontiguousarray(inks[..., :3]), "RGB").convert("YCbCr"))
    stored = np.dstack([ycc, 255 - inks[..., 3]])  # as in the file
    data = saved(Image.fromarray(255 - stored, "CMYK"), "JPEG", quality=92)  # Pillow inverts on writing
    at = data.index(b"Adobe")
    return data[: at + 11] + b"\x02" + data[at + 12 :]


def sampled(image, sampling):
    """A JPEG whose colours are sampled in a way that Pillow cannot write: libjpeg-turbo's enum TJSAMP, quality 85."""
    [library] = (FIXTURES.parent.parent / "node_modules/@julusian/jpeg-turbo/prebuilds/jpeg-turbo-linux-x64").glob("*.so.*")
    turbo = ctypes.CDLL(str(library))
    turbo.tjInitCompress.restype = ctypes.c_void_p
    pixels = image.tobytes()
    out, size = ctypes.c_void_p(), ctypes.c_ulong()
    failed = turbo.tjCompress2(
        ctypes.c_void_p(turbo.tjInitCompress()), pixels, image.width, 0, image.height, 0,
        ctypes.byref(out), ctypes.byref(size), sampling, 85, 0)
    assert not failed
    return ctypes.string_at(out, size.value)


def sources():
    """[(file, bytes, {kind, profile, fit, crop})]"""
    w, h = 73, 53  # 1.1 times the target
    small = leaf(0, w, h)
    rgba = Image.fromarray(np.dstack([np.asarray(leaf(1, w, h)), soft_alpha(w, h)]), "RGBA")
    grey = leaf(2, w, h).convert("L")
    wide = np.asarray(small).astype(int) * 257 + 100  # 16 bits whose low byte matters
    wide = np.minimum(wide, 65535)
    palette = leaf(3, w, h).quantize(64)
    first, second = leaf(3, w, h).quantize(100), leaf(1, w, h).quantize(100)
    out = []

    def add(name, data, **about):
        out.append((name, data, about))

    add("jpeg-420.jpg", saved(small, "JPEG", quality=85, subsampling=2))
    add("jpeg-422.jpg", saved(small, "JPEG", quality=85, subsampling=1))
    add("jpeg-444.jpg", saved(small, "JPEG", quality=85, subsampling=0))
    add("jpeg-440.jpg", sampled(small, 4))
    add("jpeg-411.jpg", sampled(small, 5))
    add("jpeg-441.jpg", sampled(small, 6))
    add("jpeg-quality-100.jpg", saved(small, "JPEG", quality=100, subsampling=0))
    add("jpeg-one-pixel.jpg", saved(small.crop((30, 30, 31, 31)), "JPEG", quality=85))
    add("jpeg-grey-exif-6.jpg", saved(grey, "JPEG", quality=85, exif=exif(6)))
    add("jpeg-rgb.jpg", saved(small, "JPEG", quality=90, keep_rgb=True))
    add("jpeg-grey.jpg", saved(grey, "JPEG", quality=85))
    add("jpeg-progressive.jpg", saved(small, "JPEG", quality=85, progressive=True))
    add("jpeg-restart.jpg", saved(small, "JPEG", quality=85, restart_marker_blocks=2))
    add("jpeg-trailer.jpg", saved(small, "JPEG", quality=85) + b"maker's trailer \xff\xd8\xff\xe1" * 9)
    add("jpeg-srgb-profile.jpg",
        saved(small, "JPEG", quality=85, icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()))
    for orientation in range(1, 9):
        block = exif(orientation, big_endian=orientation % 2 == 0)
        add(f"jpeg-exif-{orientation}.jpg", saved(small, "JPEG", quality=85, exif=block))
    add("jpeg-cmyk.jpg", saved(cmyk(small), "JPEG", quality=92), profile=True)
    add("jpeg-cmyk-plain.jpg", without_adobe(saved(cmyk(small), "JPEG", quality=92)), profile=True)
    add("jpeg-cmyk-profile.jpg", saved(cmyk(small), "JPEG", quality=92, icc_profile=cmyk_profile()), profile=True)
    add("jpeg-ycck.jpg", ycck(small), profile=True)
    add("jpeg-display-p3.jpg", saved(small, "JPEG", quality=85, icc_profile=DISPLAY_P3), profile=True)
    add("jpeg-adobe-rgb.jpg", saved(small, "JPEG", quality=85, icc_profile=ADOBE_RGB), profile=True)
    add("jpeg-grey-profile.jpg", saved(grey, "JPEG", quality=85, icc_profile=grey_profile(1.8)), profile=True)

    add("png-rgb.png", saved(small, "PNG"))
    add("png-rgba.png", saved(rgba, "PNG"))
    add("png-rgb16.png", png(wide, 2, 16))
    add("png-rgba16.png", png(np.dstack([wide, soft_alpha(w, h).astype(int) * 257]), 6, 16))
    add("png-grey.png", saved(grey, "PNG"))
    add("png-grey16.png", png(np.asarray(grey).astype(int) * 257 - np.asarray(grey).astype(int) // 2, 0, 16))
    add("png-grey-alpha.png", png(np.dstack([np.asarray(grey), soft_alpha(w, h)]), 4, 8))
    add("png-grey-alpha16.png", png(np.dstack([np.asarray(grey).astype(int), soft_alpha(w, h)]) * 257, 4, 16))
    add("png-1-bit.png", saved(grey.convert("1"), "PNG"))
    add("png-palette.png", saved(palette, "PNG"))
    add("png-palette-4-bit.png", saved(leaf(3, w, h).quantize(16), "PNG", bits=4))
    add("png-palette-clear.png", saved(palette, "PNG", transparency=bytes(range(0, 256, 4))))
    add("png-color-key.png", with_chunk(saved(grey, "PNG"), b"tRNS", struct.pack(">H", 120)))
    add("png-interlaced.png", interlaced_png(small))
    add("png-exif-6.png", with_chunk(saved(small, "PNG"), b"eXIf", exif(6)[6:]))
    add("png-animated.png", saved(small, "PNG", save_all=True, append_images=[leaf(1, w, h)], duration=100))
    add("png-display-p3.png", saved(small, "PNG", icc_profile=DISPLAY_P3), profile=True)
    add("png-rgb16-adobe-rgb.png",
        with_chunk(png(wide, 2, 16), b"iCCP", b"A98\0\0" + zlib.compress(ADOBE_RGB)), profile=True)

    add("png-grey16-profile.png",
        with_chunk(png(np.asarray(grey).astype(int) * 257, 0, 16), b"iCCP", b"G\0\0" + zlib.compress(grey_profile(1.8))),
        profile=True)
    add("scale-8-rgba16-adobe-rgb.png",
        with_chunk(png(np.dstack([np.asarray(leaf(1, 421, 387)), soft_alpha(421, 387)]).astype(int) // 64 * 64 * 257, 6, 16),
                   b"iCCP", b"A98\0\0" + zlib.compress(ADOBE_RGB)), profile=True)

    add("webp-lossy.webp", saved(small, "WEBP", quality=85))
    add("webp-lossless.webp", saved(small, "WEBP", lossless=True))
    add("webp-alpha.webp", saved(rgba, "WEBP", quality=85))
    add("webp-lossless-alpha.webp", saved(rgba, "WEBP", lossless=True, exact=True))
    add("webp-exif-8.webp", saved(small, "WEBP", quality=85, exif=exif(8)))
    add("webp-animated.webp", saved(small, "WEBP", save_all=True, append_images=[leaf(1, w, h)], quality=85))
    add("webp-display-p3.webp", saved(small, "WEBP", quality=85, icc_profile=DISPLAY_P3), profile=True)

    add("gif.gif", saved(palette, "GIF", interlace=0))
    add("gif-interlaced.gif", saved(palette, "GIF", interlace=1))
    add("gif-animated.gif", saved(first, "GIF", save_all=True, append_images=[second], duration=100))
    add("gif-transparent.gif", saved(palette, "GIF", transparency=5))

    # The same photograph at other scales of the target, and every way to fit.
    for name, width, height in (("0.5", 31, 24), ("1.9", 125, 91), ("4", 263, 192)):
        image = leaf(4, width, height)
        add(f"scale-{name}.jpg", saved(image, "JPEG", quality=85, subsampling=2), crop=0.875)
        add(f"scale-{name}.webp", saved(image, "WEBP", quality=80), crop=0.875)
        add(f"scale-{name}.gif", saved(image.quantize(32), "GIF"), crop=0.875)
    add("scale-0.5.png", saved(leaf(4, 31, 24), "PNG"))
    add("scale-1.9.png", saved(leaf(4, 125, 91), "PNG"))
    add("scale-4.png", saved(leaf(4, 263, 192).quantize(64), "PNG"))
    four = leaf(5, 217, 193)
    add("scale-4-exif-6.jpg", saved(four, "JPEG", quality=85, exif=exif(6)), crop=0.875)
    add("scale-4-exif-7.jpg", saved(four, "JPEG", quality=85, exif=exif(7)))
    add("scale-4-progressive.jpg", saved(four, "JPEG", quality=85, progressive=True))
    add("scale-4-contain.jpg", saved(four, "JPEG", quality=85), fit="contain")
    add("scale-4-stretch.jpg", saved(four, "JPEG", quality=85), fit="stretch", crop=0.9)
    add("scale-4-alpha.webp",
        saved(Image.fromarray(np.dstack([np.asarray(four), soft_alpha(217, 193)]), "RGBA"), "WEBP", quality=80))
    add("scale-4-cmyk.jpg", saved(cmyk(four), "JPEG", quality=85), profile=True)
    add("scale-4-display-p3.jpg", saved(four, "JPEG", quality=85, icc_profile=DISPLAY_P3), profile=True)
    # What is divided by two, four and eight without a rest, just above and below where that is done.
    for w, h, how in ((272, 204, {}), (268, 200, {}), (536, 400, {}), (544, 408, {"exif": exif(6)}), (1088, 816, {"exif": exif(3)})):
        add(f"divided-{w}x{h}.jpg", saved(mosaic(w, h), "JPEG", quality=60, **how))
    add("scale-8-exif-5.jpg", saved(leaf(5, 521, 387), "JPEG", quality=70, exif=exif(5)))
    many = mosaic(1283, 961)
    add("scale-20.jpg", saved(many, "JPEG", quality=45, subsampling=2), crop=0.875)
    add("scale-20-progressive.jpg", saved(many.crop((3, 0, 1283, 960)), "JPEG", quality=45, progressive=True))
    add("scale-20.webp", saved(many, "WEBP", quality=40), crop=0.875)
    add("scale-20-grey.jpg", saved(many.convert("L"), "JPEG", quality=25))
    posters = leaf(5, 1280, 960).quantize(12, dither=Image.Dither.NONE)
    add("scale-20.png", saved(posters, "PNG"))
    add("scale-20.gif", saved(posters, "GIF"))
    add("scale-20-cmyk.jpg", saved(cmyk(many), "JPEG", quality=14), profile=True)
    return out


# --- references ---------------------------------------------------------------------------------------------


def reference_pixels(path):
    """The picture as a person should see it: first frame, upright, sRGB, on white. [height, width, 3] u8."""
    with Image.open(path) as image:
        icc = image.info.get("icc_profile")
        orientation = image.getexif().get(ORIENTATION, 1)
        raw = wide_pixels(path) if image.format == "PNG" else None
        if raw is not None:
            rgb, alpha = raw
            image = Image.fromarray(rgb, "RGB")
            if (rgb == rgb[..., :1]).all():
                image = image.convert("L")
        else:
            clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
            alpha = np.asarray(image.convert("RGBA"))[..., 3] if clear else None
            if clear:
                image = image.convert("RGBA").convert("RGB")
        if icc is not None:
            image = ImageCms.profileToProfile(
                image, ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.PERCEPTUAL, outputMode="RGB")
        pixels = np.asarray(image.convert("RGB")).astype(float)
    if alpha is not None:
        share = alpha.astype(float)[..., None] / 255
        pixels = pixels * share + 255 * (1 - share)
    pixels = np.rint(pixels).astype(np.uint8)
    turned = Image.fromarray(pixels)
    turns = {2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180],
             4: [Image.Transpose.FLIP_TOP_BOTTOM], 5: [Image.Transpose.TRANSPOSE],
             6: [Image.Transpose.ROTATE_270], 7: [Image.Transpose.TRANSVERSE], 8: [Image.Transpose.ROTATE_90]}
    for turn in turns.get(orientation, []):
        turned = turned.transpose(turn)
    return turned


def wide_pixels(path):
    """RGB and alpha of a 16-bit PNG, rounded to 8 bits (Pillow cuts or clips); None for every other PNG."""
    data = path.read_bytes()
    width, height, depth, color_type = struct.unpack(">IIBB", data[16:26])
    if depth != 16:
        return None
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color_type]
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += length + 12
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any(), "only unfiltered rows are made here"
    values = rows[:, 1:].copy().view(">u2").reshape(height, width, channels)
    values = np.rint(values / 257).astype(np.uint8)
    color = values[..., :3] if channels >= 3 else np.repeat(values[..., :1], 3, -1)
    return np.ascontiguousarray(color), values[..., -1] if channels in (2, 4) else None


def fitted(image, fit, crop):
    """To the model's size: `cover` and `stretch` cut to `crop` around the centre, `contain` on black."""
    width, height = image.size
    if fit == "contain":
        scale = min(TARGET / width, TARGET / height)
        size = (round(width * scale), round(height * scale))
        sheet = Image.new("RGB", (TARGET, TARGET))
        small = image.resize(size, Image.Resampling.BILINEAR)
        sheet.paste(small, ((TARGET - size[0]) // 2, (TARGET - size[1]) // 2))
        return sheet
    kept_width, kept_height = (min(width, height),) * 2 if fit == "cover" else (width, height)
    kept_width, kept_height = kept_width * crop, kept_height * crop
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    box = (left, top, left + kept_width, top + kept_height)
    return image.resize((TARGET, TARGET), Image.Resampling.BILINEAR, box=box)


def digest(image):
    return hashlib.sha256(image.tobytes()).hexdigest()


def references(folder, file, about):
    """One case: what the test needs to know, and the two reference images."""
    image = reference_pixels(folder / file)
    model = fitted(image, about["fit"], about["crop"])
    case = {"file": file, "profile": about["profile"], "fit": about["fit"], "crop": about["crop"],
            "width": image.width, "height": image.height, "target": TARGET,
            "pixels_sha256": digest(image), "model_sha256": digest(model)}
    return case, image, model


def write():
    (IMAGES / "reference").mkdir(parents=True, exist_ok=True)
    cases = []
    for file, data, about in sources():
        (IMAGES / file).write_bytes(data)
        about = {"profile": False, "fit": "cover", "crop": 1, **about}
        case, image, model = references(IMAGES, file, about)
        cases.append(case)
        # Larger sources are never decoded at full size, so there is nothing to compare.
        if max(image.size) <= 128:
            image.save(IMAGES / "reference" / f"{file}.pixels.png", optimize=True)
        model.save(IMAGES / "reference" / f"{file}.model.png", optimize=True)
    (IMAGES / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
    print(f"{len(cases)} cases")


def check():
    wrong = []
    cases = json.loads((IMAGES / "cases.json").read_text())
    for case in cases:
        again, _, _ = references(IMAGES, case["file"], case)
        if again != case:
            wrong.append(case["file"])
    print(f"{len(cases)} cases, {len(wrong)} differ: {' '.join(wrong)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(check() if "--check" in sys.argv else write())
