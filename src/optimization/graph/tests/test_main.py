import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from pinhole_graph.model_file import load, save

from .case import GraphCase
from .networks import SIDE, everything

PACKAGE = Path(__file__).parents[1]


class MainTest(GraphCase):
    def step(self, step, job, **options):
        path = self.folder / "job.json"
        path.write_text(json.dumps(job))
        command = [sys.executable, "-B", "-m", "pinhole_graph", step, str(path)]
        return subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, check=False, **options)

    def test_progress_and_result_are_lines_of_json(self):
        output = self.folder / "halved.onnx"
        done = self.step("float16", {"model": self.written(everything()), "output": str(output)})
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual([set(line) for line in lines], [{"done", "of", "what"}] * 2 + [{"result"}])
        self.assertTrue(output.exists())

    def test_what_is_wrong_is_one_sentence(self):
        path = self.folder / "broken.onnx"
        path.write_bytes(b"broken")
        for model, expected in ((path, "is not an ONNX file"), (self.folder / "none.onnx", "No such file")):
            done = self.step("fold", {"model": str(model), "output": str(self.folder / "x.onnx")})
            self.assertEqual(done.returncode, 1)
            self.assertIn(expected, json.loads(done.stdout.splitlines()[-1])["error"])

    def test_an_unknown_step_is_not_understood(self):
        done = self.step("guess", {})
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage", done.stderr)

    def test_a_file_that_does_not_fit_is_not_there_at_all(self):
        job = {"model": self.written(everything()), "output": str(self.folder / "halved.onnx")}

        def no_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

        done = self.step("float16", job, preexec_fn=no_room)
        self.assertEqual(done.returncode, 1)
        self.assertIn("halved.onnx could not be", json.loads(done.stdout.splitlines()[-1])["error"])
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["job.json", "model.onnx"])

    def test_a_file_that_was_there_stays_until_the_new_one_is_whole(self):
        path = self.folder / "model.onnx"
        save(everything(), path)
        save(everything(), path)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["model.onnx"])
        load(path)

    def test_ends_when_whoever_started_it_is_killed(self):
        # Black photographs, which take no room on the disk, for a minute at least.
        black, shape = self.folder / "black.raw", [200_000, 3, SIDE, SIDE]
        with black.open("wb") as file:
            file.truncate(4 * math.prod(shape))
        job = self.quantize_job(calibration={"tensors": str(black), "shape": shape, "dtype": "float32"})
        path = self.folder / "job.json"
        path.write_text(json.dumps(job))
        starter = (
            "import subprocess, sys, time;"
            "print(subprocess.Popen([sys.executable, '-B', '-m', 'pinhole_graph', 'quantize', sys.argv[1]],"
            " stdout=subprocess.DEVNULL).pid, flush=True); time.sleep(60)"
        )
        command = [sys.executable, "-c", starter, str(path)]
        with subprocess.Popen(command, cwd=PACKAGE, stdout=subprocess.PIPE, text=True) as parent:
            step = int(parent.stdout.readline())
            time.sleep(1.5)
            self.assertTrue(_runs(step))
            parent.kill()
        deadline = time.monotonic() + 10
        while _runs(step) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertFalse(_runs(step))


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z" and os.path.exists(f"/proc/{process}")
