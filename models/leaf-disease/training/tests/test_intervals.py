import unittest

import numpy as np

from leaf_training.intervals import bootstrapped, interval_of, wilson


class IntervalsTest(unittest.TestCase):
    def test_wilson_interval(self):
        low, high = wilson(490, 500)
        self.assertAlmostEqual(low, 0.9636, places=3)
        self.assertAlmostEqual(high, 0.9891, places=3)

    def test_copies_make_an_interval_no_narrower(self):
        self.assertEqual(interval_of(80, 80, 20), wilson(20, 20))
        self.assertEqual(interval_of(490, 500, 500), wilson(490, 500))
        self.assertEqual(interval_of(0, 0, 0), (0.0, 1.0))

    def test_a_bootstrap_of_a_share_comes_near_its_exact_interval(self):
        right = np.arange(400) % 10 > 0
        subjects = np.array([f"leaf {place}" for place in range(400)])
        low, high = bootstrapped(lambda drawn: float(right[drawn].mean()), subjects)
        expected = wilson(360, 400)
        self.assertAlmostEqual(low, expected[0], delta=0.01)
        self.assertAlmostEqual(high, expected[1], delta=0.01)

    def test_a_bootstrap_draws_whole_leaves(self):
        subjects = np.array(["a", "a", "b", "b"])
        seen = set()
        bootstrapped(lambda drawn: seen.add(tuple(np.bincount(drawn, minlength=4))) or 0.0, subjects)
        self.assertEqual(seen, {(2, 2, 0, 0), (1, 1, 1, 1), (0, 0, 2, 2)})


if __name__ == "__main__":
    unittest.main()
