"""FastAPI + torch + torchvision: torchvision's decoder and transforms, the network compiled by torch (torch_network.py)."""

import os
from contextlib import asynccontextmanager

import torch
from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms.v2 import functional

import network

torch.set_num_threads(network.THREADS)
torch.set_num_interop_threads(1)
run = torch._inductor.aoti_load_package(os.environ["PEER_TORCH_PACKAGE"])
MEAN = list(network.MANIFEST["normalize"]["mean"])
STD = list(network.MANIFEST["normalize"]["std"])
# Threads that classify; without any the event loop does it, one request after the other.
POOL = int(os.environ.get("PEER_POOL", "0"))


@asynccontextmanager
async def lifespan(app):
    if POOL > 0:
        to_thread.current_default_thread_limiter().total_tokens = POOL
    yield


app = FastAPI(lifespan=lifespan)


def to_input(photograph):
    """bytes -> float32 [1, 3, 224, 224]"""
    pixels = decode_jpeg(torch.frombuffer(bytearray(photograph), dtype=torch.uint8), mode=ImageReadMode.RGB)
    fitted = functional.resize(functional.center_crop(pixels, min(pixels.shape[-2:])), network.SIZE, antialias=True)
    planes = functional.to_dtype(fitted, torch.float32, scale=True)
    # Pixels come out of the resize side by side; the network was compiled for planes, and does not look.
    return functional.normalize(planes, MEAN, STD)[None].contiguous()


def classify(photograph):
    """bytes -> the answer"""
    with torch.inference_mode():
        return network.answer(run(to_input(photograph))[0].numpy())


@app.post("/predict")
async def predict(request: Request):
    photograph = await request.body()
    if POOL == 0:
        return JSONResponse(classify(photograph))
    return JSONResponse(await to_thread.run_sync(classify, photograph))
