"""Sends Celery tasks and waits for their results."""

import os

from jobs import add

results = [add.delay(number, 1) for number in range(int(os.environ["COUNT"]))]
print(sum(result.get(timeout=120) for result in results))
