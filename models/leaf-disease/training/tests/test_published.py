import json
import unittest
from pathlib import Path

from leaf_training.export import open_graph, sha256_of

MODEL = Path(__file__).resolve().parents[2] / "1.0.0"


class PublishedTest(unittest.TestCase):
    def setUp(self):
        self.manifest = json.loads((MODEL / "manifest.json").read_text())
        self.labels = json.loads((MODEL / "labels.json").read_text())

    def test_labels_are_the_sorted_classes(self):
        ids = [label["class_id"] for label in self.labels]
        self.assertEqual(ids, sorted(ids))
        self.assertEqual(len(ids), 13)
        for label in self.labels:
            self.assertEqual(set(label), {"class_id", "class_name", "description", "advice"})

    def test_manifest_tells_of_the_graph(self):
        self.assertEqual(self.manifest["sha256"], sha256_of(MODEL / "model.onnx"))
        session = open_graph(MODEL / "model.onnx")
        outputs = {output.name: output.shape for output in session.get_outputs()}
        named = {entry["name"] for entry in self.manifest["outputs"].values()}
        self.assertEqual(set(outputs), named)
        self.assertEqual(outputs["logits"][1], len(self.labels))
        shape = session.get_inputs()[0].shape
        self.assertEqual(shape[1:], [3, self.manifest["input"]["height"], self.manifest["input"]["width"]])

    def test_thresholds_are_in_order(self):
        calibration = self.manifest["calibration"]
        self.assertLessEqual(calibration["medium"], calibration["high"])
        self.assertGreater(calibration["temperature"], 0)


if __name__ == "__main__":
    unittest.main()
