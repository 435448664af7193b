"""What the model says of photographs, by a script that knows nothing of the server: Pillow, numpy, onnxruntime and
the model's own manifest.

    python plain_answers.py MODEL_VERSION_DIR PHOTOGRAPHS_DIR OUT_DIR

Writes derived photographs (seeded crops, sizes, turns and encodings of those in PHOTOGRAPHS_DIR) to OUT_DIR and
prints one JSON line for each: {"file": ..., "top1": class_id, "prob": ..., "margin": ...}, where margin is the
distance between the first and the second probability.
"""

import json
import random
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

SEED = 7
DERIVED_FOR_EACH = 5
INTERPOLATION = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
DTYPE = {"float32": np.float32, "float16": np.float16, "uint8": np.uint8}


def derive(source, target):
    """Writes the photograph as it is, and seeded variants of it; gives the paths."""
    chance = random.Random(f"{SEED} {source.name}")
    kept = target / source.name
    kept.write_bytes(source.read_bytes())
    paths = [kept]
    picture = ImageOps.exif_transpose(Image.open(source)).convert("RGB")
    for number in range(DERIVED_FOR_EACH):
        share = chance.uniform(0.7, 1.0)
        width, height = (round(side * share) for side in picture.size)
        left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
        variant = picture.crop((left, top, left + width, top + height))
        scale = chance.choice([0.75, 1.0, 2.0, 5.0])
        variant = variant.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
        variant = variant.transpose(chance.choice(list(Image.Transpose)[:2])) if chance.random() < 0.5 else variant
        suffix, options = chance.choice(
            [(".jpg", {"quality": chance.randint(70, 95)}), (".png", {}), (".webp", {"quality": 90})]
        )
        path = target / f"{source.stem}-{number}{suffix}"
        variant.save(path, **options)
        paths.append(path)
    return paths


def fit(picture, manifest):
    """Resize and crop as the manifest says, to (width, height) of the model's input."""
    width, height = manifest["input"]["width"], manifest["input"]["height"]
    resize = manifest["resize"]
    how = INTERPOLATION[resize["interpolation"]]
    full = (round(width / resize["crop"]), round(height / resize["crop"]))
    if resize["fit"] == "stretch":
        fitted = picture.resize(full, how)
    else:
        pick = max if resize["fit"] == "cover" else min
        scale = pick(full[0] / picture.width, full[1] / picture.height)
        fitted = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), how)
    if resize["fit"] == "contain":
        ground = Image.new("RGB", full, tuple(resize["background"]))
        ground.paste(fitted, ((full[0] - fitted.width) // 2, (full[1] - fitted.height) // 2))
        fitted = ground
    left, top = round((fitted.width - width) / 2), round((fitted.height - height) / 2)
    return fitted.crop((left, top, left + width, top + height))


def tensor(path, manifest):
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    pixels = np.asarray(fit(picture, manifest), np.float32)
    if manifest["input"]["color"] == "BGR":
        pixels = pixels[:, :, ::-1]
    normalize = manifest["normalize"]
    values = (pixels * normalize["scale"] - np.float32(normalize["mean"])) / np.float32(normalize["std"])
    if manifest["input"]["layout"] == "NCHW":
        values = values.transpose(2, 0, 1)
    if manifest["input"]["dtype"] == "uint8":
        values = values.round().clip(0, 255)
    return values[np.newaxis].astype(DTYPE[manifest["input"]["dtype"]])


def probabilities(session, values, manifest):
    outputs = manifest["outputs"]["logits"]
    [logits] = session.run([outputs["name"]], {manifest["input"]["name"]: values})
    logits = logits.astype(np.float64).reshape(-1)
    if outputs["softmax"]:
        logits = np.log(np.maximum(logits, 1e-12))
    scaled = logits / manifest["calibration"]["temperature"]
    powers = np.exp(scaled - scaled.max())
    return powers / powers.sum()


def main(model_dir, photographs, out):
    manifest = json.loads((model_dir / "manifest.json").read_text())
    labels = json.loads((model_dir / manifest["labels"]).read_text())
    session = onnxruntime.InferenceSession(model_dir / manifest["file"], providers=["CPUExecutionProvider"])
    out.mkdir(parents=True, exist_ok=True)
    for source in sorted(photographs.rglob("*.jpg")):
        for path in derive(source, out):
            probs = probabilities(session, tensor(path, manifest), manifest)
            second, first = np.argsort(probs)[-2:]
            answer = {"file": path.name, "top1": labels[first]["class_id"]}
            print(json.dumps({**answer, "prob": float(probs[first]), "margin": float(probs[first] - probs[second])}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
