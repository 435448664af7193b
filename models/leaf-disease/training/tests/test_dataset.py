import tempfile
import unittest
from pathlib import Path

from leaf_training.dataset import Photograph, assign_folds, class_ids, held_out_from


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

    def test_every_category_is_held_out_by_exactly_one_part(self):
        with tempfile.TemporaryDirectory() as scratch:
            data = Path(scratch)
            for folder in ("others/anchor", "others/cup", "others/lotus", "others/owl", "other-leaves/apple_healthy"):
                (data / folder).mkdir(parents=True)
                (data / folder / "a_0.jpg").touch()
            parts = [held_out_from(data, 3, fold).categories for fold in range(3)]
            self.assertEqual(sorted(name for part in parts for name in part), ["anchor", "cup", "lotus", "owl"])
            self.assertEqual(parts[0], {"cup"})
            self.assertEqual(held_out_from(data, 3, 0, "apple").other_leaves, {"apple_healthy"})
            with self.assertRaises(ValueError):
                held_out_from(data, 3, 0, "pear")


if __name__ == "__main__":
    unittest.main()
