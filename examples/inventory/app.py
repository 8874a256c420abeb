"""The inventory service: POST /reservations sets goods aside for an order.

The framework's requests are traced by the instrumentation of Flask, which also takes over
the trace that the caller is in; what happens inside is traced by hand. What it logs carries the
trace, and how much is left on the shelves is measured.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterable
from typing import Any

from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from opentelemetry import metrics, trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.metrics import CallbackOptions, Observation
from telemetry import count_requests, set_up_telemetry, traced

set_up_telemetry("inventory", "2.1.0")
tracer = trace.get_tracer("inventory")
logger = logging.getLogger("inventory")
meter = metrics.get_meter("inventory")

app = Flask(__name__)
FlaskInstrumentor().instrument_app(app, excluded_urls="health")
count_requests(app)

PLENTY = 1_000_000


class OutOfStock(Exception):
    """Less is left of an article than is wanted."""


class Shelves:
    """How many pieces of each article there are. May be used from several threads."""

    def __init__(self, pieces: dict[str, int]) -> None:
        self._pieces = pieces
        self._lock = threading.Lock()

    def left(self, sku: str) -> int:
        """The number of pieces left; 0 for an article that is not kept."""
        time.sleep(random.uniform(0.0004, 0.003))  # somebody walks there
        with self._lock:
            return self._pieces.get(sku, 0)

    def all_left(self) -> dict[str, int]:
        """The number of pieces left of each article."""
        with self._lock:
            return dict(self._pieces)

    def take(self, sku: str, quantity: int) -> int:
        """Takes pieces away and returns how many are left; raises OutOfStock."""
        with self._lock:
            left = self._pieces.get(sku, 0)
            if left < quantity:
                raise OutOfStock(f"{left} of {sku} left, {quantity} wanted")
            self._pieces[sku] = left - quantity
            return left - quantity


shelves = Shelves({"lamp": PLENTY, "desk": PLENTY, "chair": PLENTY, "globe": 0})


def observe_stock(options: CallbackOptions) -> Iterable[Observation]:
    for sku, pieces in shelves.all_left().items():
        yield Observation(pieces, {"item.sku": sku})


meter.create_observable_gauge(
    "stock.left", [observe_stock], unit="{piece}", description="Pieces left on the shelves"
)


@app.get("/health")
def health() -> ResponseReturnValue:
    return "", 204


@app.post("/reservations")
def reserve() -> ResponseReturnValue:
    wanted: dict[str, Any] = request.get_json()
    sku, quantity = str(wanted["sku"]), int(wanted["quantity"])
    span = trace.get_current_span()
    span.set_attribute("item.sku", sku)
    span.set_attribute("item.quantity", quantity)
    look_up_stock(sku)
    try:
        left = take_from_shelf(sku, quantity)
    except OutOfStock as problem:
        # A client's wish that cannot be met is no fault of this service: its span stays unset.
        logger.warning("out of stock: %s", problem, extra={"item.sku": sku})
        return jsonify(error=str(problem)), 409
    logger.info("%d of %s reserved", quantity, sku, extra={"item.sku": sku})
    return jsonify(sku=sku, reserved=quantity, left=left), 201


def look_up_stock(sku: str) -> int:
    with tracer.start_as_current_span("look_up_stock") as span:
        span.set_attribute("item.sku", sku)
        left = shelves.left(sku)
        if left == 0:
            span.add_event("stock.empty", {"item.sku": sku})
        return left


@traced(warehouse="north")
def take_from_shelf(sku: str, quantity: int) -> int:
    return shelves.take(sku, quantity)
