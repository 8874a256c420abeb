"""Celery tasks, with Valkey on VALKEY_PORT as broker and for results."""

import os

from celery import Celery

address = f"redis://127.0.0.1:{os.environ['VALKEY_PORT']}"
app = Celery("jobs", broker=f"{address}/0", backend=f"{address}/1")
app.conf.worker_hijack_root_logger = False
app.conf.broker_connection_retry_on_startup = True


@app.task
def add(one: int, other: int) -> int:
    return one + other
