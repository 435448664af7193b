"""ONNX files, read and written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import onnx
from google.protobuf.message import DecodeError

from .failure import Failure

LARGEST_FILE_BYTES = 2_000_000_000


def load(path: str | Path) -> onnx.ModelProto:
    """The whole model, weights that lie beside the file included.

    Raises Failure where it is no ONNX file, or one that is damaged.
    """
    name = Path(path).name
    try:
        model = onnx.load(path)
    except DecodeError as error:
        raise Failure(f"{name} is not an ONNX file, or it is damaged.") from error
    except onnx.checker.ValidationError as error:
        raise Failure(f"Weights that {name} keeps in another file could not be read: {error}") from error
    if not model.graph.node:
        raise Failure(f"{name} is not an ONNX file, or its graph is empty.")
    if model.ByteSize() > LARGEST_FILE_BYTES:
        raise Failure("The network is larger than the 2 GB that one ONNX file can hold.")
    return model


@contextmanager
def written_whole(path: str | Path) -> Iterator[BinaryIO]:
    """Gives a file to write to, which is at `path` once all of it is on the disk, or not at all."""
    path = Path(path)
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with half.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        half.unlink(missing_ok=True)


def save(model: onnx.ModelProto, path: str | Path) -> None:
    """Write `model` to `path`, whole or not at all."""
    with written_whole(path) as file:
        file.write(model.SerializeToString())
