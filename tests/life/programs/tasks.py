"""A Celery application that counts its tasks; the broker is a folder."""

import os

from celery import Celery
from metering import start

folder = os.environ["LIFE_FOLDER"]
application = Celery("tasks", broker="filesystem://")
application.conf.update(
    broker_transport_options={
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": f"{folder}/control",
    },
    worker_hijack_root_logger=False,
    task_ignore_result=True,
)
counter = start(interval_millis=200).get_meter("tasks").create_counter("requests")
counter.add(1000, {"pid": os.getpid()})


@application.task
def work():
    counter.add(1, {"pid": os.getpid()})
