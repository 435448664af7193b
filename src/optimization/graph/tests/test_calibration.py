import unittest

import numpy as np

from pinhole_graph.calibration import BINS, Histogram, binned, by_entropy, by_percentile


def histogram(values):
    low, high = float(values.min()), float(values.max())
    return Histogram(low, high, binned(values, low, high))


class RangeTest(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(0)
        self.rectified = np.maximum(random.normal(size=100_000), 0).astype(np.float32)
        self.rectified[0] = 100
        self.around = random.normal(size=100_000).astype(np.float32)
        self.around[:2] = [-50, 50]

    def test_every_value_is_counted(self):
        for values in (self.rectified, self.around, np.zeros(7, np.float32)):
            found = histogram(values)
            self.assertEqual(found.counts.sum(), values.size)
            self.assertEqual(found.counts.shape, (BINS,))

    def test_percentile_leaves_out_what_is_rare(self):
        low, high = by_percentile(histogram(self.rectified), 99.99)
        self.assertEqual(low, 0)
        self.assertTrue(3 < high < 6, high)
        low, high = by_percentile(histogram(self.around), 99.9)
        self.assertTrue(-4 < low < -2.5 and 2.5 < high < 4, (low, high))
        everything = by_percentile(histogram(self.around), 100)
        self.assertEqual(everything, (-50, 50))

    def test_entropy_leaves_out_what_is_far_and_keeps_what_is_common(self):
        low, high = by_entropy(histogram(self.rectified))
        self.assertEqual(low, 0)
        self.assertTrue(2.5 < high < 25, high)
        low, high = by_entropy(histogram(self.around))
        self.assertEqual(low, -high)
        self.assertTrue(2.5 < high < 12, high)

    def test_a_value_that_never_changes_has_a_range(self):
        still = histogram(np.full(9, 2.5, np.float32))
        self.assertEqual(by_entropy(still), (2.5, 2.5))
        self.assertEqual(by_percentile(still, 99.9)[1], 2.5)
