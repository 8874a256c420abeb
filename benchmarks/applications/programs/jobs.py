"""Celery tasks with a broker and results in the folder that JOBS names."""

import os
from pathlib import Path

from celery import Celery

folder = Path(os.environ["JOBS"])
for name in ("queue", "processed", "control", "results"):
    (folder / name).mkdir(parents=True, exist_ok=True)
app = Celery("jobs", broker="filesystem://", backend=f"file://{folder / 'results'}")
app.conf.broker_transport_options = {
    "data_folder_in": str(folder / "queue"),
    "data_folder_out": str(folder / "queue"),
    "processed_folder": str(folder / "processed"),
    "control_folder": str(folder / "control"),
}
app.conf.worker_hijack_root_logger = False
app.conf.broker_connection_retry_on_startup = True


@app.task
def add(one: int, other: int) -> int:
    return one + other
