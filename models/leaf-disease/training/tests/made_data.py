"""A data directory like the real one, of drawn pictures: enough to see that everything runs."""

from pathlib import Path

import numpy as np
from PIL import Image

from leaf_training import synthetic
from leaf_training.invented_leaves import invented_leaf
from leaf_training.labels import CLASS_IDS

SIDE = 256
CATEGORIES = ("anchor", "cup", "lotus", "pizza")
OTHER_LEAVES = ("apple_cedar_apple_rust", "apple_healthy")


def _save(pixels, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{name}.jpg", quality=92)


def make_data(root: Path, leaves: int = 10) -> None:
    """Write leaves/, others/ and other-leaves/ under `root`, `leaves` of each class."""
    random = np.random.default_rng(5)
    textures = synthetic.make_pictures({"foliage": synthetic.foliage}, 3, SIDE, 1)
    for class_id in CLASS_IDS:
        for leaf in range(leaves):
            pixels, mask = invented_leaf(random, SIDE, textures)
            ground = 150 + random.normal(0, 4, (SIDE, SIDE, 3))
            _save(np.where(mask[..., None] > 127, pixels, ground), root / "leaves" / class_id, f"{class_id}{leaf}_0")
    for category in CATEGORIES:
        for place, picture in enumerate(synthetic.make_pictures({"shapes": synthetic.shapes}, 2, SIDE, 2)):
            _save(picture, root / "others" / category, f"image_{place}")
    for folder in OTHER_LEAVES:
        for place in range(3):
            pixels, mask = invented_leaf(random, SIDE, textures)
            _save(pixels * (mask[..., None] > 127), root / "other-leaves" / folder, f"leaf{place}_0")
