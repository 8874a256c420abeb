"""The same with FastAPI."""

import os
import time

import orders
from fastapi import FastAPI

application = FastAPI()


@application.get("/orders/{number}")
async def work(number: int):
    orders.take()
    # Without asyncio: this worker takes no other request meanwhile, so the others get theirs.
    time.sleep(0.02)
    return {"pid": os.getpid()}


@application.get("/pid")
async def pid():
    return {"pid": os.getpid()}
