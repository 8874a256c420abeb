"""A Celery application whose task takes an order; the broker is a folder."""

import os
import time

import orders
from celery import Celery

folder = os.environ["BROKER_FOLDER"]
application = Celery("tasks", broker="filesystem://")
application.conf.update(
    broker_transport_options={
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": f"{folder}/control",
        "polling_interval": 0.05,
    },
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)


@application.task
def work():
    orders.take()
    # Long enough for another worker to take one of the next.
    time.sleep(0.02)


def ask(count):
    for _ in range(count):
        work.delay()


if __name__ == "__main__":
    ask(int(os.environ["ORDERS"]))
