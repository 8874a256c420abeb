"""Metrics: set up, recorded, exported when the process ends."""

import time
import types

from chapter import Chapter, endpoint_of_the_receiver
from stand_ins import STAND_INS

chapter = Chapter()
chapter.run("Setting Up Metrics")
endpoint_of_the_receiver(chapter.names["setup_metrics"])
STAND_INS["setup_metrics"]
chapter.names["setup_metrics"]()


def process_request(request):
    return types.SimpleNamespace(status_code=200)


chapter.give(time=time, process_request=process_request)
chapter.run("Recording Metrics")
for path in ("/orders", "/orders", "/users"):
    chapter.names["handle_request"](types.SimpleNamespace(method="GET", path=path))
