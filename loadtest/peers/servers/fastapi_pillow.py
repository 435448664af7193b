"""FastAPI + Pillow + ONNX Runtime, under uvicorn with uvloop and httptools."""

import os
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

import network
import pillow_picture

run = network.open_session()
# Threads that classify; without any the event loop does it, one request after the other.
POOL = int(os.environ.get("PEER_POOL", "0"))


@asynccontextmanager
async def lifespan(app):
    if POOL > 0:
        to_thread.current_default_thread_limiter().total_tokens = POOL
    yield


app = FastAPI(lifespan=lifespan)


def classify(photograph):
    """bytes -> the answer"""
    return network.answer(run(pillow_picture.to_input(photograph)[None])[0])


@app.post("/predict")
async def predict(request: Request):
    photograph = await request.body()
    if POOL == 0:
        return JSONResponse(classify(photograph))
    return JSONResponse(await to_thread.run_sync(classify, photograph))
