"""The order service: POST /orders takes an order, has its goods set aside and keeps it.

Incoming requests are traced by the instrumentation of Flask, the calls to the inventory by
the one of requests, which also passes the trace on; the steps between are traced by hand. What it
logs carries the trace, and every order is measured.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
import uuid
from typing import Any

import requests
from flask import Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from opentelemetry import metrics, trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from telemetry import count_requests, set_up_telemetry, traced

set_up_telemetry("orders", "1.4.0")
tracer = trace.get_tracer("orders")
logger = logging.getLogger("orders")
meter = metrics.get_meter("orders")
in_progress = meter.create_up_down_counter(
    "orders.in_progress", unit="{order}", description="Orders being taken"
)
processing_duration = meter.create_histogram(
    "orders.processing_duration", unit="ms", description="How long an order takes to be answered"
)

app = Flask(__name__)
FlaskInstrumentor().instrument_app(app, excluded_urls="health")
RequestsInstrumentor().instrument()
count_requests(app)

INVENTORY_URL = os.environ.get("INVENTORY_URL", "http://127.0.0.1:8081")
PRICES = {"lamp": 4900, "desk": 38900, "chair": 17900, "globe": 8900}

# A session keeps its connections open, and is not meant to be shared between threads.
local = threading.local()

Order = dict[str, Any]


class InvalidOrder(Exception):
    """The order cannot be taken as it is."""


class Unavailable(Exception):
    """The inventory cannot set the goods aside."""


class Ledger:
    """Keeps orders in SQLite. May be used from several threads."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._lock = threading.Lock()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, customer TEXT, cents INTEGER)"
        )

    STATEMENT = "INSERT INTO orders (id, customer, cents) VALUES (?, ?, ?)"

    def add(self, order_id: str, customer: str, cents: int) -> None:
        with self._lock, self._connection:
            self._connection.execute(self.STATEMENT, (order_id, customer, cents))


ledger = Ledger(os.environ.get("ORDERS_DATABASE", ":memory:"))


@app.get("/health")
def health() -> ResponseReturnValue:
    return "", 204


@app.post("/orders")
def take_order() -> ResponseReturnValue:
    start = time.perf_counter()
    in_progress.add(1)
    with tracer.start_as_current_span("process_order") as span:
        outcome = "failed"
        try:
            answer = process_order(span)
            outcome = "taken" if answer[1] == 201 else "refused"
            return answer
        finally:
            milliseconds = (time.perf_counter() - start) * 1000
            processing_duration.record(milliseconds, {"order.outcome": outcome})
            in_progress.add(-1)


def process_order(span: Span) -> tuple[Response, int]:
    order: Order = request.get_json()
    order_id = uuid.uuid4().hex[:12]
    span.set_attribute("order.id", order_id)
    span.add_event("order.received", {"order.lines": len(order.get("lines", ()))})
    try:
        validate_order(order)
        span.set_attribute("customer.id", order["customer_id"])
        check_inventory(order)
        cents = save_order(order_id, order)
    except (InvalidOrder, Unavailable) as problem:
        span.record_exception(problem)
        span.set_status(Status(StatusCode.ERROR, str(problem)))
        logger.warning("order refused: %s", problem, extra={"order.id": order_id})
        return jsonify(error=str(problem)), 409 if isinstance(problem, Unavailable) else 400
    span.add_event("order.accepted", {"order.total_cents": cents})
    span.set_status(Status(StatusCode.OK))
    logger.info("order taken", extra={"order.id": order_id, "order.total_cents": cents})
    return jsonify(id=order_id, total_cents=cents), 201


@traced()
def validate_order(order: Order) -> None:
    span = trace.get_current_span()
    span.set_attribute("order.lines", len(order.get("lines", ())))
    if not order.get("customer_id"):
        raise InvalidOrder("the order names no customer")
    if not order.get("lines"):
        raise InvalidOrder("the order is empty")
    for line in order["lines"]:
        if line["sku"] not in PRICES:
            raise InvalidOrder(f"there is no article {line['sku']}")


def check_inventory(order: Order) -> None:
    with tracer.start_as_current_span("check_inventory") as span:
        for number, line in enumerate(order["lines"], start=1):
            response = session().post(f"{INVENTORY_URL}/reservations", json=line, timeout=10)
            if response.status_code == 409:
                raise Unavailable(response.json()["error"])
            response.raise_for_status()
            span.add_event("goods.reserved", {"line": number, "item.sku": line["sku"]})
        span.set_attribute("inventory.available", True)


def save_order(order_id: str, order: Order) -> int:
    """Keeps the order and returns its price in cents."""
    with tracer.start_as_current_span("save_order", attributes={"order.id": order_id}) as span:
        cents: int = sum(PRICES[line["sku"]] * line["quantity"] for line in order["lines"])
        span.set_attribute("order.total_cents", cents)
        with tracer.start_as_current_span("INSERT orders", kind=SpanKind.CLIENT) as insert:
            insert.set_attribute("db.system.name", "sqlite")
            insert.set_attribute("db.query.text", Ledger.STATEMENT)
            ledger.add(order_id, order["customer_id"], cents)
        return cents


def session() -> requests.Session:
    if not hasattr(local, "session"):
        local.session = requests.Session()
    kept: requests.Session = local.session
    return kept
