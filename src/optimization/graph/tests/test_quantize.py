from pathlib import Path

import numpy as np
from onnx import TensorProto, numpy_helper

from pinhole_graph import kernels, quantize
from pinhole_graph.failure import Failure
from pinhole_graph.model_file import load
from pinhole_graph.plan import plan
from pinhole_graph.wiring import Wiring

from .case import GraphCase, answers, feed_of
from .networks import Builder, everything, heard, photographs


class QuantizeTest(GraphCase):
    def kernels(self, model):
        job = {"model": self.written(model, "profiled.onnx"), "tensors": photographs(self.folder)}
        return kernels.run(job, heard()[0])

    def test_every_convolution_becomes_an_integer_kernel(self):
        found = self.kernels(self.quantized())
        # The score's product of 64 numbers and the last one of 5,120 are quicker as they are.
        self.assertEqual(found["float"], 2)
        self.assertEqual(found["integer"], 9)
        self.assertNotIn("Conv", found["ms_by_operator"])
        self.assertIn("QLinearAdd", found["ms_by_operator"])
        self.assertIn("QGemm", found["ms_by_operator"])

    def test_answers_stay_near_for_any_batch(self):
        job = self.quantize_job()
        quantize.run(job, heard()[0])
        feed = feed_of(photographs(self.folder, 5, seed=9))
        expected, got = answers(load(job["model"]), feed), answers(load(job["output"]), feed)
        self.assertEqual([array.shape for array in expected], [array.shape for array in got])
        self.assertLess(np.abs(expected[0] - got[0]).max(), 0.15 * expected[0].std())
        self.assertLess(np.abs(expected[1] - got[1]).max(), 0.02)

    def test_three_colours_are_padded_to_four_channels(self):
        model = self.quantized()
        wiring = Wiring(model)
        weight = wiring.producers[wiring.nodes["stem"].input[1]].input[0]
        self.assertEqual(list(wiring.initializers[weight].dims), [16, 4, 3, 3])
        self.assertFalse(numpy_helper.to_array(wiring.initializers[weight])[:, 3].any())

    def test_layers_named_stay_in_float32(self):
        job = self.quantize_job(float_nodes=["wide", "depthwise"])
        result = quantize.run(job, heard()[0])
        self.assertEqual(result, {"quantized": 7, "float": 4})
        found = self.kernels(load(job["output"]))
        self.assertEqual(found["float"], 4)
        self.assertLessEqual({"wide", "depthwise"}, set(found["float_nodes"]))

    def test_layers_in_float32_are_not_quantised_behind_our_back(self):
        model = self.folded()
        # Each lies between int8 layers, one with a ReLU after it, one with a Clip, one with neither.
        for name in ("last", "depthwise", "second_twin"):
            made = self.quantized(model=model, float_nodes=[name])
            feed = feed_of(photographs(self.folder, 4, seed=2))
            plain, optimised = answers(made, feed, optimise=False), answers(made, feed)
            np.testing.assert_allclose(plain[0], optimised[0], atol=0.02)
            self.assertEqual(self.kernels(made)["float"], 3)

    def test_a_graph_that_insists_on_a_batch(self):
        model = everything()
        for value in [*model.graph.input, *model.graph.output]:
            value.type.tensor_type.shape.dim[0].dim_value = 5
        made = self.quantized(model=self.folded(model))
        feed = feed_of(photographs(self.folder, 5, seed=9))
        np.testing.assert_allclose(answers(model, feed)[0], answers(made, feed)[0], atol=0.2)
        with self.assertRaises(Exception):  # noqa: B017 ONNX Runtime has no class for it
            answers(made, feed[:1])

    def test_weights_only_leaves_the_rest_in_float32(self):
        found = self.kernels(self.quantized(operators="weights"))
        self.assertNotIn("QLinearAdd", found["ms_by_operator"])
        self.assertEqual(found["integer"], 9)

    def test_the_photographs_are_looked_at_once(self):
        job = self.quantize_job()
        for method in ("minmax", "entropy", "percentile"):
            progress, lines = heard()
            quantize.run(job | {"method": method}, progress)
            looked = [line["what"] for line in lines.said()]
            self.assertEqual("calibrating on photographs" in looked, method == "minmax")
        other, lines = heard()
        quantize.run(job | {"calibration": photographs(self.folder, 7, seed=4)}, other)
        self.assertNotEqual(lines.said(), [])

    def test_calibration_cut_off_half_way_is_done_again(self):
        job = self.quantize_job()
        quantize.run(job, heard()[0])
        (cache,) = Path(job["work"]).glob("calibration-*.npz")
        cache.write_bytes(cache.read_bytes()[:100])
        progress, lines = heard()
        quantize.run(job, progress)
        self.assertNotEqual(lines.said(), [])

    def test_bytes_as_input(self):
        b = Builder()
        x = b.node("Cast", ["input"], "cast", to=TensorProto.FLOAT)
        x = b.node("Mul", [x, b.constant("scale", np.float32(1 / 255))], "scaled")
        x = b.node("Relu", [b.conv(x, "stem", 3, 16)], "relu")
        x = b.node("Relu", [b.conv(x, "next", 16, 16)], "next_relu")
        b.node("Flatten", [b.node("GlobalAveragePool", [x], "mean")], "logits")
        model = self.folded(b.model({"logits": [16]}, dtype=TensorProto.UINT8))
        made = self.quantized(model=model, calibration=photographs(self.folder, dtype="uint8"))
        feed = feed_of(photographs(self.folder, 4, seed=3, dtype="uint8"))
        np.testing.assert_allclose(answers(load(model), feed)[0], answers(made, feed)[0], atol=0.05)

    def test_refusals(self):
        with self.assertRaisesRegex(Failure, "every layer with weights stays in float32"):
            self.quantized(float_nodes=[node.name for node in Wiring(load(self.folded())).weighted()])
        with self.assertRaisesRegex(Failure, "no node called nobody"):
            self.quantized(float_nodes=["nobody"])
        with self.assertRaisesRegex(Failure, "no calibration method guess"):
            self.quantized(method="guess")
        b = Builder()
        b.node("Flatten", [b.node("GlobalAveragePool", ["input"], "mean")], "logits")
        with self.assertRaisesRegex(Failure, "no convolution or matrix product"):
            self.quantized(model=self.folded(b.model({"logits": [3]})))
        short = photographs(self.folder, 3)
        Path(short["tensors"]).write_bytes(b"few")
        with self.assertRaisesRegex(Failure, "should hold"):
            self.quantized(calibration=short)

    def test_values_that_are_no_numbers_are_refused(self):
        b = Builder()
        b.node("Log", [b.conv("input", "stem", 3, 16)], "log")
        b.node("Flatten", [b.node("GlobalAveragePool", [b.conv("log", "next", 16, 16)], "mean")], "logits")
        with self.assertRaisesRegex(Failure, "not numbers"):
            self.quantized(model=self.folded(b.model({"logits": [16]})))


class PlanTest(GraphCase):
    def test_values_stay_int8_between_layers_and_float32_after_the_last(self):
        decided = plan(load(self.folded(everything())), [])
        self.assertLessEqual({"residual", "both", "pooled", "last_relu", "mean"}, set(decided.between))
        self.assertNotIn("unknown_score", decided.nodes)
        self.assertEqual(set(decided.kept), {"score_linear", "logits"})
