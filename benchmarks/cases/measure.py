"""Times the work of a benchmark program: CPU of the whole process, export included.

The program is given its numbers in the environment and prints one JSON line at its end.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from in_process import cpu_nanos
from pipeline import TRANSPORT, close, flush

COUNT = int(os.environ.get("BENCHMARK_COUNT", "1000"))
REPEATS = int(os.environ.get("BENCHMARK_REPEATS", "1"))
SLICES = 20
WARM_UP = min(COUNT, 2000)
# Modules that both implementations have: where they lie tells which one was measured.
# A class of each module that is measured: where it is defined says whose the module is.
MEASURED = {
    "opentelemetry.sdk.trace": "TracerProvider",
    "opentelemetry.sdk.metrics": "MeterProvider",
    "opentelemetry.sdk._logs": "LoggerProvider",
    "opentelemetry.instrumentation.logging.handler": "LoggingHandler",
}


def measure(
    provider: Any,
    work: Callable[[int], None],
    empty: Callable[[int], int | None],
    spans: int = 1,
    *,
    counted: int = 0,
    series: int = 0,
    exemplars: int | None = 0,
    log_records: int = 0,
    **more: Any,
) -> None:
    """Run `work(count)` and flush, `REPEATS` times; `empty` is the same loop without telemetry.
    Where that is not the work of this thread alone, it gives the nanoseconds of its CPU.

    One turn of `work` exports `spans` spans and `log_records` log records with ids, and adds
    `counted` to counters or to the counts of histograms. Each flush and the shutdown collect
    `series` series; with each flush there are `exemplars` exemplars (None where durations decide).
    """
    work(WARM_UP)
    empty(WARM_UP)
    flush(provider)
    samples = []
    for _ in range(REPEATS):
        gc.collect()
        samples.append(sample(provider, work, empty))
    close(provider)
    turns = WARM_UP + REPEATS * COUNT
    expected = {
        "data_points": series * (REPEATS + 2),
        "series": series,
        "counted": turns * counted,
        "log_records": turns * log_records,
        "traced_log_records": turns * log_records,
    }
    if exemplars is not None:
        expected["exemplars"] = exemplars * (REPEATS + 1)
    report(samples, turns * spans, expected, **more)


def sample(
    provider: Any, work: Callable[[int], None], empty: Callable[[int], int | None]
) -> dict[str, int]:
    """One run of both loops, a slice of each in turn: what is subtracted was measured while the
    machine was as fast as it was for what it is subtracted from.

    The export goes on during the slices without telemetry too, on other threads: of these slices
    the thread's own CPU counts, or what `empty` gives.
    """
    spent = dict.fromkeys(("wall", "thread", "empty_cpu", "empty_wall"), 0)
    cpu = cpu_nanos()
    for number in range(SLICES):
        count = (number + 1) * COUNT // SLICES - number * COUNT // SLICES
        wall, thread = time.perf_counter_ns(), time.thread_time_ns()
        work(count)
        wall_between, thread_between = time.perf_counter_ns(), time.thread_time_ns()
        counted = empty(count)
        wall_end, thread_end = time.perf_counter_ns(), time.thread_time_ns()
        spent["wall"] += wall_between - wall
        spent["thread"] += thread_between - thread
        spent["empty_cpu"] += thread_end - thread_between if counted is None else counted
        spent["empty_wall"] += wall_end - wall_between
    wall = time.perf_counter_ns()
    flush(provider)
    return {
        "cpu_nanos": cpu_nanos() - cpu - spent["empty_cpu"],
        "wall_nanos": spent["wall"] + time.perf_counter_ns() - wall,
        "making_wall_nanos": spent["wall"],
        "thread_nanos": spent["thread"],
        "empty_cpu_nanos": spent["empty_cpu"],
        "empty_wall_nanos": spent["empty_wall"],
    }


def report(
    samples: list[dict[str, Any]],
    expected_spans: int,
    expected: dict[str, int] | None = None,
    **more: Any,
) -> None:
    """The program's last word. `expected_spans` and `expected`, by the names that the receiver's
    counts have, are what it must have got."""
    if TRANSPORT == "noop":
        expected_spans, expected = 0, {}
    classes = [
        getattr(sys.modules[name], MEASURED[name]) for name in MEASURED if name in sys.modules
    ]
    # Ours have the official names too.
    files = [str(sys.modules[kind.__module__].__file__) for kind in classes]
    print(
        json.dumps(
            {
                "files": files,
                "count": COUNT,
                "expected_spans": expected_spans,
                "expected": expected or {},
                "samples": samples,
                **more,
            }
        )
    )


def tell_receiver(command: str) -> None:
    """`hold` makes the receiver keep its answers back, `release` lets them go."""
    address = ("127.0.0.1", int(os.environ["BENCHMARK_CONTROL"]))
    with socket.create_connection(address) as connection:
        connection.sendall(command.encode() + b"\n")
        connection.recv(100)
