import multiprocessing
import os
import signal
import time
import unittest
from multiprocessing.connection import Connection
from pathlib import Path

from leaf_training.side_by_side import end_with_parent

SPAWN = multiprocessing.get_context("spawn")


def child(said: Connection) -> None:
    end_with_parent()
    said.send(os.getpid())
    time.sleep(60)


def parent(said: Connection) -> None:
    SPAWN.Process(target=child, args=(said,)).start()
    time.sleep(60)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A zombie has ended, and nobody has asked after it yet.
    return "State:\tZ" not in status


class EndWithParentTest(unittest.TestCase):
    def test_a_training_ends_when_the_command_is_killed(self):
        heard, said = SPAWN.Pipe(duplex=False)
        command = SPAWN.Process(target=parent, args=(said,))
        command.start()
        self.assertTrue(heard.poll(60))
        training = heard.recv()
        self.assertTrue(is_running(training))
        os.kill(command.pid, signal.SIGKILL)
        until = time.monotonic() + 20
        while is_running(training) and time.monotonic() < until:
            time.sleep(0.05)
        self.assertFalse(is_running(training))


if __name__ == "__main__":
    unittest.main()
