import unittest

import numpy as np

from leaf_training.calibrate import (
    calibrate,
    expected_calibration_error,
    fit_temperature,
    lowest_threshold,
    softmax,
)


class CalibrateTest(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(3)
        self.labels = random.integers(0, 4, 1000)
        self.logits = 3 * random.normal(size=(1000, 4)) + 6 * np.eye(4)[self.labels]
        self.scores = random.random(1000)

    def test_thresholds_keep_their_promise(self):
        found = calibrate(fit_temperature(self.logits, self.labels), self.logits, self.scores, self.labels)
        probabilities = softmax(self.logits / found.temperature)
        probability, right = probabilities.max(1), probabilities.argmax(1) == self.labels
        high = probability >= found.high
        self.assertGreaterEqual(right[high].mean(), 0.99)
        medium = ~high & (probability >= found.medium)
        self.assertGreaterEqual(right[medium].mean(), 0.90)
        self.assertLessEqual((self.scores > found.unknown).mean(), 0.015)

    def test_no_threshold_can_keep_an_impossible_promise(self):
        wrong = np.zeros(10, bool)
        self.assertEqual(lowest_threshold(np.linspace(0, 1, 10), wrong, 0.9, 0.5), 1.0)

    def test_error_of_a_perfect_calibration_is_nought(self):
        self.assertEqual(expected_calibration_error(np.ones(5), np.ones(5, bool)), 0)


if __name__ == "__main__":
    unittest.main()
