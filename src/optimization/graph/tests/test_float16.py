import numpy as np
from onnx import numpy_helper

from pinhole_graph import float16
from pinhole_graph.failure import Failure
from pinhole_graph.model_file import load

from .case import GraphCase, answers, feed_of
from .networks import Builder, everything, heard, photographs


class Float16Test(GraphCase):
    def halved(self, model):
        output = str(self.folder / "halved.onnx")
        return float16.run({"model": self.written(model), "output": output}, heard()[0]), load(output)

    def test_half_the_bytes_and_the_same_answers(self):
        model = everything()
        result, halved = self.halved(model)
        self.assertLess(result["bytes_after"], 0.6 * result["bytes_before"])
        feed = feed_of(photographs(self.folder, 3))
        for expected, got in zip(answers(model, feed), answers(halved, feed), strict=True):
            np.testing.assert_allclose(expected, got, atol=0.02)

    def test_what_float16_cannot_hold_stays(self):
        model = everything()
        tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "last_weight")
        values = numpy_helper.to_array(tensor) * np.float32(1e6)
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        result, halved = self.halved(model)
        self.assertEqual(result["kept"], 1)
        kept = next(tensor for tensor in halved.graph.initializer if tensor.name == "last_weight")
        np.testing.assert_array_equal(numpy_helper.to_array(kept), values)

    def test_nothing_to_store_is_said(self):
        b = Builder()
        b.node("Flatten", ["input"], "logits")
        with self.assertRaisesRegex(Failure, "nothing to store"):
            self.halved(b.model({"logits": [768]}))
