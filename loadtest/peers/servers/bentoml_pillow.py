"""BentoML + Pillow + ONNX Runtime."""

import os
from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType

import network
import pillow_picture


@bentoml.service(
    workers=int(os.environ["PEER_PROCESSES"]),
    threads=int(os.environ.get("PEER_CALLS", "1")),
    traffic={"timeout": 30},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Classifier:
    def __init__(self):
        self.run = network.open_session()

    @bentoml.api
    def predict(self, photograph: Annotated[Path, ContentType("image/jpeg")], /) -> dict[str, Any]:
        return network.answer(self.run(pillow_picture.to_input(photograph.read_bytes())[None])[0])
