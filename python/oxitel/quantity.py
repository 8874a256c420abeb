"""Counts and durations that a program or a variable gives, as lists and waits take them.

What is too large for one, infinite, or no number at all (`nan`) is the largest there is: it is as
good as no limit. TypeError for what is of no numeric type.
"""

from __future__ import annotations

import sys
import threading

# Half of it, so that a clock's time can be added.
MAX_SECONDS = threading.TIMEOUT_MAX / 2


def seconds_of(millis: float) -> float:
    """`millis` as seconds that one may wait."""
    try:
        seconds = float(millis) / 1000
    except OverflowError:
        return MAX_SECONDS if millis > 0 else -MAX_SECONDS
    return max(seconds, -MAX_SECONDS) if seconds < MAX_SECONDS else MAX_SECONDS


def count_of(number: float) -> int:
    """The whole part of `number`."""
    try:
        return min(int(number), sys.maxsize)
    except (OverflowError, ValueError):
        return sys.maxsize
