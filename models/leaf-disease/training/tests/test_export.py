import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx

from leaf_training.export import export_network, largest_difference, open_graph
from leaf_training.network import build_network
from leaf_training.shufflenet import SIDE_BY_SIDE


class ExportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.file = Path(cls.scratch.name) / "model.onnx"
        cls.network = build_network("shufflenet_v2_x0_5", 13).eval()
        export_network(cls.network, 224, cls.file)

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_shapes_for_any_batch(self):
        session = open_graph(self.file)
        for n in (1, 3, 8):
            logits, score, activation_map = session.run(
                ["logits", "unknown_score", "activation_map"],
                {"input": np.random.rand(n, 3, 224, 224).astype(np.float32)},
            )
            self.assertEqual(logits.shape, (n, 13))
            self.assertEqual(score.shape, (n,))
            self.assertEqual(activation_map.shape, (n, 13, 7, 7))
            self.assertTrue(((score >= 0) & (score <= 1)).all())

    def test_equals_pytorch(self):
        squares = np.random.default_rng(0).integers(0, 256, (4, 224, 224, 3), np.uint8)
        self.assertLess(largest_difference(self.network, self.file, squares), 1e-4)

    def test_the_stem_is_pooled_in_the_layout_of_the_runtime(self):
        graph = onnx.shape_inference.infer_shapes(onnx.load(self.file)).graph
        shapes = {value.name: value.type.tensor_type.shape.dim for value in graph.value_info}
        (pool,) = [node for node in graph.node if node.op_type == "MaxPool"]
        self.assertEqual(shapes[pool.input[0]][1].dim_value % SIDE_BY_SIDE, 0)

    def test_one_file(self):
        self.assertEqual([file.name for file in Path(self.scratch.name).iterdir()], ["model.onnx"])


if __name__ == "__main__":
    unittest.main()
