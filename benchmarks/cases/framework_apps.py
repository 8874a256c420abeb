"""The application that requests go to, in each framework; telemetry is not its business."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from flask import Flask


def make_flask() -> Flask:
    from flask import Flask

    app = Flask(__name__)

    @app.get("/orders/<int:number>")
    def order(number: int) -> dict[str, int]:
        return {"order": number}

    return app


def make_fastapi(routes: int = 1) -> FastAPI:
    """The route that is asked for is the last of so many."""
    from fastapi import FastAPI

    # Not what FastAPI records by itself.
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    async def order(number: int) -> dict[str, int]:
        return {"order": number}

    for other in range(routes - 1):
        app.get(f"/others/{other}/{{number}}")(order)
    app.get("/orders/{number}")(order)
    return app
