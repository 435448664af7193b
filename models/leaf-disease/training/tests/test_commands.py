import json
import shutil
import tempfile
import unittest
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import torch

from leaf_training import run
from leaf_training.__main__ import PUBLISHED, arguments, main
from leaf_training.card import start
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
        start(self.model, "mobilenet_v3_small")
        self.card = self.model / "MODEL_CARD.md"
        self.log = root / "log.txt"
        self.log.write_text("")

    def command(self, *words, recipe="mobilenet_v3_small"):
        where = {"--data": Path(self.scratch.name) / "data", "--runs": self.runs, "--model": self.model}
        options = [str(word) for pair in {**where, "--log": self.log}.items() for word in pair]
        main([*map(str, words), *options, "--quick", *([] if "--compare" in words else ["--recipe", recipe])])

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
        self.assertIn("1 of 2 parts are measured so far", self.card.read_text())
        with self.assertRaisesRegex(ValueError, "1 of 2 parts are measured"):
            self.command("--all-leaves", "--folds", "2")
        self.command(*words)
        # Each was trained once, before the cut or after.
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

    def test_a_training_cut_off_ends_as_one_that_was_not(self):
        self.command("train", "--epochs", "2")
        checkpoint = self.runs / "mobilenet_v3_small-64-fold0of5" / "checkpoint.pt"
        whole = torch.load(checkpoint, weights_only=True)
        self.assertEqual(whole["epoch"], 2)
        checkpoint.unlink()

        said = run.Run.say

        def cut_off_in_the_second(run, message):
            said(run, message)
            if message.startswith("epoch 2/2"):
                raise CutOff

        with patch.object(run.Run, "say", cut_off_in_the_second), self.assertRaises(CutOff):
            self.command("train", "--epochs", "2")
        self.assertEqual(torch.load(checkpoint, weights_only=True)["epoch"], 1)
        self.command("train", "--epochs", "2")
        resumed = torch.load(checkpoint, weights_only=True)
        for name, value in whole["averaged"].items():
            self.assertTrue(torch.equal(value, resumed["averaged"][name]), name)

    def test_a_checkpoint_of_other_photographs_is_refused(self):
        self.command("train")
        data = Path(self.scratch.name) / "data"
        moved = next((data / "leaves" / "tomato_leaf_mold").glob("*.jpg"))
        kept = moved.rename(data / moved.name)
        try:
            with self.assertRaisesRegex(ValueError, "learnt from other photographs"):
                self.command("train")
        finally:
            kept.rename(moved)

    def test_what_was_not_measured_is_not_published(self):
        self.command("train", "export")
        with self.assertRaisesRegex(ValueError, "evaluate it first"):
            self.command("publish")
        self.assertEqual([file.name for file in self.model.iterdir()], ["MODEL_CARD.md"])

    def test_only_its_own_recipe_goes_where_the_default_model_lies(self):
        for words in (
            ["--recipe", "mobilenet_v3_small"],
            ["--side", "160"],
            ["publish", "--unseen-crop", "apple"],
            ["--cross-validate", "--epochs", "3"],
            ["--compare", "--recipe", "mobilenet_v3_small"],
            ["--all-leaves", "--unseen-crop", "apple"],
            ["train", "--fold", "5"],
            ["train", "--folds", "1"],
        ):
            with self.subTest(words), redirect_stderr(StringIO()), self.assertRaises(SystemExit):
                arguments(words)
        self.assertEqual(arguments([]).model, PUBLISHED)
        self.assertEqual(arguments(["--compare"]).model, PUBLISHED)
        quick = arguments(["--quick", "--recipe", "mobilenet_v3_small", "--runs", str(self.runs)])
        self.assertEqual((quick.model, quick.log), (self.runs / "quick" / "1.0.0", self.runs / "log.txt"))
        self.assertIsNone(arguments(["train", "export", "--recipe", "mobilenet_v3_small"]).model)

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
