"""A small FastAPI application: a path parameter, a validation error, a dependency."""

import asyncio
import logging
from typing import Annotated

from fastapi import Depends, FastAPI

app = FastAPI()
logger = logging.getLogger("shop")


def customer() -> str:
    return "nobody"


@app.get("/orders/{number}")
async def order(number: int, who: Annotated[str, Depends(customer)]) -> dict[str, str]:
    logger.warning("order %d was looked at", number)
    return {"order": str(number), "customer": who}


@app.get("/slow")
async def slow() -> dict[str, str]:
    await asyncio.sleep(0.001)
    return {}
