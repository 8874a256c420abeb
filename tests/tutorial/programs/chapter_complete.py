"""The complete Flask service: an order that is taken, and one without a customer."""

import importlib

from chapter import Chapter, ask, endpoint_of_the_receiver, serve
from stand_ins import STAND_INS

chapter = Chapter()
chapter.setup()
STAND_INS["setup_metrics"]
chapter.run("Setting Up Metrics")
endpoint_of_the_receiver(chapter.names["setup_metrics"])
chapter.names["setup_metrics"]()
chapter.write("Complete Example: Flask API")
module = importlib.import_module("app")
url = f"{serve(module.app)}/api/orders"
print(*ask(url, b'{"customer_id": "c-1", "items": ["lamp", "desk"]}'))
print(*ask(url, b'{"items": ["lamp"]}'))
