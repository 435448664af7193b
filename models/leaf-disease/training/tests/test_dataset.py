import unittest
from pathlib import Path

from leaf_training.dataset import Photograph, assign_folds, class_ids


def photographs():
    return [
        Photograph(Path(f"{folder}/{leaf}_{copy}.jpg"), folder, f"{folder}-{leaf}")
        for folder in ("tomato_b", "potato_a")
        for leaf in range(23)
        for copy in range(1 + leaf % 4)
    ]


class SplitTest(unittest.TestCase):
    def test_no_leaf_is_on_both_sides(self):
        folds = assign_folds(photographs(), 5, seed=1)
        sides = {}
        for photograph, fold in zip(photographs(), folds, strict=True):
            self.assertEqual(sides.setdefault(photograph.leaf, fold), fold)

    def test_each_class_is_in_every_fold(self):
        folds = assign_folds(photographs(), 5, seed=1)
        seen = {(p.folder, fold) for p, fold in zip(photographs(), folds, strict=True)}
        self.assertEqual(len(seen), 10)

    def test_the_same_seed_gives_the_same_split(self):
        first, second = (assign_folds(photographs(), 5, seed=7) for _ in range(2))
        self.assertEqual(first, second)
        self.assertNotEqual(first, assign_folds(photographs(), 5, seed=8))

    def test_classes_are_sorted(self):
        self.assertEqual(class_ids(photographs()), ["potato_a", "tomato_b"])


if __name__ == "__main__":
    unittest.main()
