import numpy as np
from onnx import TensorProto, helper, numpy_helper

from pinhole_graph import fold
from pinhole_graph.failure import Failure
from pinhole_graph.float16 import store_halves
from pinhole_graph.fold import name_nodes
from pinhole_graph.model_file import load
from pinhole_graph.wiring import Wiring

from .case import GraphCase, answers, feed_of
from .networks import Builder, everything, heard, photographs


class FoldTest(GraphCase):
    def fold(self, model):
        output = str(self.folder / "folded.onnx")
        result = fold.run({"model": self.written(model), "output": output}, heard()[0])
        return load(output), result

    def test_computes_the_same_with_fewer_nodes(self):
        model = everything()
        folded, result = self.fold(model)
        self.assertNotIn("BatchNormalization", result["nodes_after"])
        self.assertEqual(result["nodes_before"]["BatchNormalization"], 1)
        self.assertLess(result["largest_difference"], 1e-4)
        feed = feed_of(photographs(self.folder, 3))
        for expected, got in zip(answers(model, feed), answers(folded, feed), strict=True):
            np.testing.assert_allclose(expected, got, atol=1e-4)

    def test_names_and_the_free_batch_stay(self):
        model = everything()
        folded, _ = self.fold(model)
        for one, other in ((model.graph.input, folded.graph.input), (model.graph.output, folded.graph.output)):
            self.assertEqual([value.name for value in one], [value.name for value in other])
            for value in other:
                self.assertEqual(value.type.tensor_type.shape.dim[0].dim_param, "batch")

    def test_twins_get_weights_of_their_own(self):
        folded, result = self.fold(everything())
        self.assertEqual(result["separated"], 1)
        wiring = Wiring(folded)
        for node in wiring.weighted():
            self.assertEqual([len(wiring.consumers[name]) for name in node.input[1:]], [1] * (len(node.input) - 1))

    def test_means_over_the_picture_become_pooling(self):
        _, result = self.fold(everything())
        self.assertEqual(result["nodes_after"]["GlobalAveragePool"], 2)
        self.assertNotIn("ReduceMean", result["nodes_after"])

    def test_other_means_stay(self):
        b = Builder()
        x = b.conv("input", "stem", 3, 16)
        x = b.node("ReduceMean", [x], "rows", axes=[2], keepdims=0)
        b.node("ReduceMean", [x], "logits", axes=[2], keepdims=0)
        _, result = self.fold(b.model({"logits": [16]}))
        self.assertEqual(result["nodes_after"]["ReduceMean"], 2)

    def test_an_old_opset_is_raised(self):
        folded, result = self.fold(everything(11))
        self.assertGreaterEqual(folded.opset_import[0].version, 13)
        self.assertLess(result["largest_difference"], 1e-4)

    def test_nodes_without_names_get_some(self):
        model = everything()
        for node in model.graph.node:
            node.name = "same" if node.op_type == "Relu" else ""
        name_nodes(model)
        names = [node.name for node in model.graph.node]
        self.assertEqual(len(set(names) - {""}), len(names))

    def test_a_quantised_network_is_refused(self):
        b = Builder()
        scale, zero = b.constant("scale", np.float32(0.1)), b.constant("zero_point", np.uint8(0))
        x = b.node("QuantizeLinear", ["input", scale, zero], "q")
        b.node("DequantizeLinear", [x, scale, zero], "logits")
        with self.assertRaisesRegex(Failure, "quantised already"):
            self.fold(b.model({"logits": [3, 16, 16]}))

    def test_a_network_that_computes_in_float16_is_refused(self):
        model = everything()
        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT:
                halved = numpy_helper.to_array(tensor).astype(np.float16)
                tensor.CopyFrom(numpy_helper.from_array(halved, tensor.name))
        for value in [*model.graph.input, *model.graph.output]:
            value.type.tensor_type.elem_type = TensorProto.FLOAT16
        with self.assertRaisesRegex(Failure, "export it in float32"):
            self.fold(model)

    def test_weights_stored_as_float16_are_float32_again(self):
        model = everything()
        store_halves(model)
        folded, _ = self.fold(model)
        self.assertNotIn(TensorProto.FLOAT16, {tensor.data_type for tensor in folded.graph.initializer})

    def test_a_damaged_file_is_refused(self):
        path = self.folder / "damaged.onnx"
        whole = everything().SerializeToString()
        for content in (b"", b"no graph at all", whole[: len(whole) // 2]):
            path.write_bytes(content)
            with self.assertRaisesRegex(Failure, r"damaged\.onnx is not an ONNX file"):
                fold.run({"model": str(path), "output": str(self.folder / "x.onnx")}, heard()[0])
        self.assertFalse((self.folder / "x.onnx").exists())

    def test_a_graph_that_cannot_run_is_refused(self):
        b = Builder()
        b.conv("input", "logits", 3, 8)
        model = b.model({"logits": [8, 16, 16]})
        model.graph.node[0].input[0] = "nothing"
        with self.assertRaisesRegex(Failure, "ONNX Runtime refuses the graph"):
            self.fold(model)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["model.onnx"])

    def test_a_picture_of_any_size_is_refused_where_none_is_given(self):
        b = Builder()
        b.conv("input", "logits", 3, 8)
        model = b.model({"logits": [8, 16, 16]})
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info("input", TensorProto.FLOAT, ["b", 3, "h", "w"]))
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 8, "h", "w"]))
        with self.assertRaisesRegex(Failure, "size of its pictures open"):
            self.fold(model)
