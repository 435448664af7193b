"""What every peer shares: the network, what goes into it and what is answered. PEER_MODEL is the model's folder.

Pictures are numpy arrays, u8 RGB [H, W, 3]; inputs float32 [N, 3, 224, 224]; logits float32 [N, classes].
"""

import json
import os
from pathlib import Path

import numpy as np

FOLDER = Path(os.environ["PEER_MODEL"])
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())
CLASSES = [(label["class_id"], label["class_name"]) for label in json.loads((FOLDER / "labels.json").read_text())]
SIZE = (MANIFEST["input"]["width"], MANIFEST["input"]["height"])
THREADS = int(os.environ.get("PEER_THREADS", "1"))
TOP = 5

if MANIFEST["resize"] != {"fit": "cover", "crop": 1, "interpolation": "bilinear"}:
    raise SystemExit("The peers know one way to fit a picture: cover, bilinear.")
if MANIFEST["input"] | {"name": ""} != {
    "name": "", "dtype": "float32", "layout": "NCHW", "width": 224, "height": 224, "color": "RGB",
}:
    raise SystemExit("The peers know one input: float32, NCHW, 224 x 224, RGB.")

# (value * scale - mean) / std, as one multiplication and one addition.
MEAN = np.array(MANIFEST["normalize"]["mean"], np.float32).reshape(3, 1, 1)
STD = np.array(MANIFEST["normalize"]["std"], np.float32).reshape(3, 1, 1)
FACTOR = np.float32(MANIFEST["normalize"]["scale"]) / STD
OFFSET = -MEAN / STD


def cover_box(width, height):
    """The part of a picture that is kept: left, top, right, bottom of the largest central box of the input's aspect."""
    aspect = SIZE[0] / SIZE[1]
    kept = (aspect * height, height) if width / height >= aspect else (width, width / aspect)
    left, top = (width - kept[0]) / 2, (height - kept[1]) / 2
    return left, top, left + kept[0], top + kept[1]


def normalised(pixels):
    """u8 RGB [224, 224, 3] -> float32 [3, 224, 224]"""
    planes = pixels.transpose(2, 0, 1).astype(np.float32, order="C")
    planes *= FACTOR
    planes += OFFSET
    return planes


def open_session():
    """The ONNX file in ONNX Runtime, with as many threads as PEER_THREADS says."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        FOLDER / MANIFEST["file"], options, providers=["CPUExecutionProvider"]
    )
    name, logits = MANIFEST["input"]["name"], MANIFEST["outputs"]["logits"]["name"]
    return lambda batch: session.run([logits], {name: batch})[0]


def answer(logits):
    """[classes] -> what is sent as JSON: the five likeliest classes, best first."""
    scaled = logits / MANIFEST["calibration"]["temperature"]
    exponents = np.exp(scaled - scaled.max())
    best = np.argpartition(exponents, -TOP)[-TOP:]
    best = best[np.argsort(-exponents[best])]
    total = float(exponents.sum())
    return {
        "predictions": [
            {"class_id": CLASSES[i][0], "class_name": CLASSES[i][1], "prob": round(float(exponents[i]) / total, 6)}
            for i in best
        ]
    }
