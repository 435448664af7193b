"""LitServe + Pillow + ONNX Runtime."""

import os
from typing import Annotated

import litserve
import numpy as np
from fastapi import Body

import network
import pillow_picture

BATCH = int(os.environ.get("PEER_BATCH", "1"))
BATCH_WAIT_S = 0.002


class Classifier(litserve.LitAPI):
    def setup(self, device):
        self.run = network.open_session()

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/jpeg")]):
        return pillow_picture.to_input(request)

    def batch(self, inputs):
        return np.stack(inputs)

    def predict(self, x):
        return self.run(x) if BATCH > 1 else self.run(x[None])[0]

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return network.answer(output)


if __name__ == "__main__":
    server = litserve.LitServer(
        Classifier(max_batch_size=BATCH, batch_timeout=BATCH_WAIT_S if BATCH > 1 else 0.0),
        accelerator="cpu",
        workers_per_device=int(os.environ["PEER_PROCESSES"]),
        fast_queue=os.environ.get("PEER_FAST_QUEUE") == "1",
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        generate_client_file=False,
        log_level="warning",
        access_log=False,
        num_api_servers=int(os.environ.get("PEER_API_SERVERS", "1")),
    )
