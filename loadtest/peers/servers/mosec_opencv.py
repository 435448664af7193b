"""mosec + OpenCV + ONNX Runtime. OpenCV's bilinear is not antialiased: less work than the others do."""

import os

import cv2
import numpy as np
from mosec import Server, Worker

import network

BATCH = int(os.environ.get("PEER_BATCH", "1"))
BATCH_WAIT_MS = 2


def to_input(photograph):
    """bytes -> float32 [3, 224, 224]"""
    pixels = cv2.imdecode(np.frombuffer(photograph, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ValueError("not a photograph")
    left, top, right, bottom = (int(edge) for edge in network.cover_box(pixels.shape[1], pixels.shape[0]))
    fitted = cv2.resize(pixels[top:bottom, left:right], network.SIZE, interpolation=cv2.INTER_LINEAR)
    return network.normalised(fitted)


class Classifier(Worker):
    def __init__(self):
        super().__init__()
        cv2.setNumThreads(1)
        self.run = network.open_session()

    def deserialize(self, data):
        return data

    def forward(self, data):
        if BATCH == 1:
            return network.answer(self.run(to_input(data)[None])[0])
        logits = self.run(np.stack([to_input(photograph) for photograph in data]))
        return [network.answer(row) for row in logits]


if __name__ == "__main__":
    server = Server()
    server.append_worker(
        Classifier, num=int(os.environ["PEER_PROCESSES"]), max_batch_size=BATCH, max_wait_time=BATCH_WAIT_MS
    )
    server.run()
