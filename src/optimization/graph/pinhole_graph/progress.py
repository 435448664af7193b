"""What the person at the terminal is told while a step runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, TextIO, TypeVar

T = TypeVar("T")


class Progress:
    """Lines of JSON to whoever started us."""

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines

    def tell(self, done: int, of: int, what: str) -> None:
        """Say that `done` of `of` parts of `what` are behind us."""
        self._write({"done": done, "of": of, "what": what})

    def each(self, items: Sequence[T], what: str) -> Iterator[T]:
        """Hand out `items`, telling how many are done."""
        of = len(items)
        for done, item in enumerate(items):
            self.tell(done, of, what)
            yield item
        self.tell(of, of, what)

    def last(self, line: dict[str, Any]) -> None:
        """Say how it ended."""
        self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        # Not a number is not JSON.
        self._lines.write(json.dumps(line, allow_nan=False) + "\n")
        self._lines.flush()
