import unittest

from leaf_training.cross_validation import describe, pool
from leaf_training.evaluate import counted
from leaf_training.intervals import wilson
from leaf_training.train import Recipe


def part(labels, predicted, probability, temperature=1.0):
    right = sum(label == guess for label, guess in zip(labels, predicted, strict=True))
    return {
        "leaves": {"photographs": len(labels), "leaves": len(labels)},
        "right": counted(right, len(labels), len(labels)),
        "macro_f1": 0.5,
        "labels": labels,
        "predicted": predicted,
        "subjects": [f"{temperature} {place}" for place in range(len(labels))],
        "calibration": {"temperature": temperature},
        "crossed": {
            "expected_calibration_error": 0.1,
            "called_unknown": counted(1, len(labels), len(labels)),
            "called_low": counted(1, len(labels), len(labels)),
            "high_right": counted(right, len(labels), len(labels)),
            "medium_right": counted(0, 0, 0),
            "probability": probability,
        },
        "conditions": {
            "as photographed": {name: counted(1, 2, 2) for name in ("right", "called_unknown", "called_low")}
        },
        "foreign": {"made: noise": {name: counted(3, 4, 4) for name in ("called_unknown", "called_low")}},
    }


class PoolTest(unittest.TestCase):
    def setUp(self):
        self.pooled = pool(
            {0: part([0, 0, 1], [0, 0, 0], [1.0, 1.0, 1.0], 0.5), 2: part([1, 0], [1, 0], [1.0, 1.0], 0.7)},
            ["first", "second"],
        )

    def test_counts_of_all_parts_are_added(self):
        self.assertEqual(self.pooled["right"], {"count": 4, "of": 5, "different": 5, "interval": wilson(4, 5)})
        self.assertEqual([row["recall"]["count"] for row in self.pooled["classes"]], [3, 1])
        self.assertEqual([row["recall"]["of"] for row in self.pooled["classes"]], [3, 2])
        self.assertEqual(self.pooled["foreign"]["made: noise"]["called_unknown"], counted(6, 8, 4))

    def test_f1_and_calibration_are_of_all_photographs_not_means_of_parts(self):
        self.assertAlmostEqual(self.pooled["macro_f1"], (6 / 7 + 2 / 3) / 2)
        self.assertAlmostEqual(self.pooled["crossed"]["expected_calibration_error"], 0.2)

    def test_the_same_pictures_asked_of_every_part_count_once_in_the_interval(self):
        self.assertEqual(self.pooled["foreign"]["made: noise"]["called_unknown"]["interval"], wilson(3, 4))
        self.assertEqual(self.pooled["conditions"]["as photographed"]["right"]["interval"], wilson(2, 4))

    def test_the_calibration_lies_between_those_of_the_parts(self):
        self.assertAlmostEqual(self.pooled["calibration"]["temperature"], 0.6)

    def test_the_card_names_the_class_that_is_missed_most(self):
        self.assertIn("| worst recall: `second` | 50.0% (1 of 2;", describe(Recipe(), 2, self.pooled, None))

    def test_the_card_says_which_parts_are_measured(self):
        whole, begun = (describe(Recipe(), folds, self.pooled, None) for folds in (2, 3))
        self.assertIn("| measure | all parts |", whole)
        self.assertNotIn("so far", whole)
        self.assertIn("**Only 2 of 3 parts are measured so far.**\n\nThe leaves were dealt into 3 parts", begun)
        self.assertIn("| measure | 2 of 3 parts |", begun)
        self.assertIn("\n| 2 | 100.0% (2 of 2;", begun)


if __name__ == "__main__":
    unittest.main()
