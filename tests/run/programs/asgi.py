"""The same with FastAPI."""

import os

import orders
from fastapi import FastAPI

application = FastAPI()


@application.get("/orders/{number}")
async def work(number: int):
    orders.take()
    return {"pid": os.getpid()}


@application.get("/pid")
async def pid():
    return {"pid": os.getpid()}
