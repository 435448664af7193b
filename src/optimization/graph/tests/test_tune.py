import numpy as np

from pinhole_graph import tune
from pinhole_graph.model_file import load
from pinhole_graph.tune import movable_convolutions, with_moved_weights

from .case import GraphCase, answers, feed_of
from .networks import heard, photographs


class TuneTest(GraphCase):
    def test_moved_weights_answer_the_same(self):
        made = self.quantized()
        movable = movable_convolutions(made)
        self.assertEqual(len(movable), 7)
        self.assertNotIn("depthwise", movable)
        moved = with_moved_weights(made, movable)
        self.assertEqual(movable_convolutions(moved), [])
        feed = feed_of(photographs(self.folder, 4, seed=8))
        for expected, got in zip(answers(made, feed), answers(moved, feed), strict=True):
            np.testing.assert_allclose(expected, got, atol=0.02)

    def test_writes_a_network_that_is_no_slower(self):
        job = self.quantize_job()
        self.quantized()
        output = str(self.folder / "tuned.onnx")
        tuning = {"model": job["output"], "output": output, "tensors": photographs(self.folder), "runs": 6}
        result = tune.run(tuning, heard()[0])
        self.assertEqual(result["convolutions"], 8)
        self.assertLessEqual(result["after_ms"], result["before_ms"])
        moved = len(movable_convolutions(load(job["output"]))) - len(movable_convolutions(load(output)))
        self.assertEqual(moved, result["changed"])
