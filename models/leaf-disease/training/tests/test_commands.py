import json
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from leaf_training import run
from leaf_training.__main__ import main
from leaf_training.card import new_card
from made_data import make_data


class CutOff(Exception):
    pass


class CommandsTest(unittest.TestCase):
    """The real commands on drawn pictures: one epoch each, through the server's own evaluation."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        make_data(Path(cls.scratch.name) / "data")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def setUp(self):
        root = Path(self.scratch.name)
        self.runs, self.model = root / "runs", root / "models" / "tried" / "1.0.0"
        shutil.rmtree(self.runs, ignore_errors=True)
        shutil.rmtree(self.model, ignore_errors=True)
        self.model.mkdir(parents=True)
        self.card = self.model / "MODEL_CARD.md"
        self.card.write_text(new_card("tried", "1.0.0", "mobilenet_v3_small"))
        self.log = root / "log.txt"
        self.log.write_text("")

    def command(self, *words, recipe="mobilenet_v3_small"):
        where = {"--data": Path(self.scratch.name) / "data", "--runs": self.runs, "--model": self.model}
        options = [str(word) for pair in {**where, "--log": self.log}.items() for word in pair]
        main([*map(str, words), *options, "--quick", "--recipe", recipe])

    def trainings(self):
        return [line for line in self.log.read_text().splitlines() if "training on" in line]

    def test_all_steps_publish_a_model_that_the_server_takes(self):
        self.command("all")
        manifest = json.loads((self.model / "manifest.json").read_text())
        self.assertEqual(manifest["name"], "tried")
        self.assertEqual(manifest["accuracy"]["images"], 26)
        self.assertIn("of 26;", self.card.read_text())

    def test_cross_validation_goes_on_where_it_was_cut_off(self):
        measured = run.evaluate
        calls = []

        def cut_off_at_the_second(*arguments):
            calls.append(arguments)
            if len(calls) == 2:
                raise CutOff
            return measured(*arguments)

        words = ("--cross-validate", "--folds", "2", "--at-once", "1")
        with patch.object(run, "evaluate", cut_off_at_the_second), self.assertRaises(CutOff):
            self.command(*words)
        self.assertEqual(len(self.trainings()), 2)
        self.assertNotIn("all parts", self.card.read_text())
        with self.assertRaisesRegex(ValueError, "1 of 2 parts are measured"):
            self.command("--all-leaves", "--folds", "2")
        self.command(*words)
        # The second part was trained already; only the network without apples was not.
        self.assertEqual(len(self.trainings()), 3)
        card = self.card.read_text()
        self.assertIn("| right (top-1) | ", card)
        self.assertIn("of 130;", card)
        self.assertIn("apple leaves, a crop never trained on", card)
        self.command("--all-leaves", "--folds", "2")
        self.assertIn("mobilenet_v3_small-64-all-leaves: training on 130 photographs", self.trainings()[-1])
        manifest = json.loads((self.model / "manifest.json").read_text())
        self.assertEqual(manifest["accuracy"]["images"], 130)
        self.assertIn(f"(sha256 `{manifest['sha256']}`) was trained on all 130 photographs", self.card.read_text())
        self.assertIn("apple leaves, a crop never trained on", self.card.read_text())

    def test_cross_validation_trains_several_at_once_and_each_once(self):
        with patch.object(run, "evaluate", side_effect=CutOff), self.assertRaises(CutOff):
            self.command("--cross-validate", "--folds", "2", "--at-once", "2")
        trained = sorted(line.split()[2] for line in self.trainings())
        name = "mobilenet_v3_small-64-fold"
        self.assertEqual(trained, [f"{name}0of2-without-apple:", f"{name}0of2:", f"{name}1of2:"])
        finished = [line for line in self.log.read_text().splitlines() if "epoch 1/1" in line]
        self.assertEqual(len(finished), 3)

    def test_a_training_that_fails_beside_another_is_said(self):
        with self.assertRaisesRegex(FileNotFoundError, "missing.pth"):
            self.command("--cross-validate", "--folds", "2", "--at-once", "2", "--weights", self.runs / "missing.pth")
        self.assertEqual([line for line in self.log.read_text().splitlines() if "epoch 1/1" in line], [])

    def test_a_teacher_is_trained_first_and_once(self):
        with patch("leaf_training.run.starting_weights", return_value=None):
            self.command("train", recipe="shufflenet_v2_x0_5-distilled")
            self.assertEqual(
                [line.split()[2] for line in self.trainings()],
                ["efficientnet_lite0-long-64-fold0of5:", "shufflenet_v2_x0_5-distilled-64-fold0of5:"],
            )
            self.command("train", recipe="shufflenet_v2_x0_5-distilled")
        self.assertEqual(len(self.trainings()), 2)

    def test_comparison_goes_on_where_it_was_cut_off(self):
        candidates = (("mobilenet_v3_small", 64), ("shufflenet_v2_x0_5", 64))
        with (
            patch("leaf_training.comparison.CANDIDATES", candidates),
            patch("leaf_training.run.starting_weights", return_value=None),
        ):
            with patch.object(run, "evaluate_leaves", side_effect=CutOff), self.assertRaises(CutOff):
                self.command("--compare")
            self.command("--compare")
        self.assertEqual(len(self.trainings()), 2)
        self.assertRegex(self.card.read_text(), r"\| shufflenet_v2_x0_5, 64 x 64 \| 288,174 \|")


if __name__ == "__main__":
    unittest.main()
