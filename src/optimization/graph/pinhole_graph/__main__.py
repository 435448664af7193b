"""Runs one step: `python -m pinhole_graph STEP job.json`.

On stdout are lines of JSON: `{"done", "of", "what"}` as it goes, and last `{"result"}`, or `{"error"}` with a sentence
for the person at the terminal and exit status 1. Whatever libraries print goes to stderr.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from .failure import Failure
from .progress import Progress

STEPS = ("fold", "quantize", "search", "tune", "kernels", "float16")
LOOK_SECONDS = 0.5


def main(argv: list[str]) -> int:
    """Exit status: 0 done, 1 failed with a sentence, 2 not called as above."""
    if len(argv) != 2 or argv[0] not in STEPS:
        print(f"usage: python -m pinhole_graph {'|'.join(STEPS)} job.json", file=sys.stderr)
        return 2
    # Native libraries write to the same file descriptor: it is ours alone from here on.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as lines:
        os.dup2(2, 1)
        progress = Progress(lines)
        # Whoever started us removes it, however we end.
        tempfile.tempdir = str(Path(argv[1]).absolute().parent)
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
        try:
            job = json.loads(Path(argv[1]).read_text(encoding="utf-8"))
            step = importlib.import_module(f".{argv[0]}", __package__)
            progress.last({"result": step.run(job, progress)})
        except Failure as failure:
            progress.last({"error": str(failure)})
            return 1
        except MemoryError:
            progress.last({"error": "The machine has too little memory for this network."})
            return 1
        except OSError as failure:
            progress.last({"error": _in_words(failure)})
            return 1
    return 0


def _end_with(parent: int) -> None:
    """End when whoever started us has: nobody would read the result, and the next run must not meet this one."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def _in_words(failure: OSError) -> str:
    name = Path(failure.filename).name if failure.filename else "a file"
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {name} could not be written. Make room, then run the command again."
    return f"{name} could not be read or written: {failure.strerror or failure}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
