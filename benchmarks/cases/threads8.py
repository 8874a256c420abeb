"""Eight threads making spans with five attributes; the same number from one thread for comparison.

The wall time of making them (not of the export) with eight threads over one is reported too.
"""

import gc
import threading
import time

from measure import COUNT, REPEATS, WARM_UP, cpu_nanos, report
from opentelemetry import trace
from pipeline import close, flush, make_provider

THREADS = 8
provider = make_provider()
tracer = trace.get_tracer("benchmark", tracer_provider=provider)


def make_spans(count: int) -> None:
    for number in range(count):
        with tracer.start_as_current_span("GET /orders") as span:
            span.set_attribute("http.request.method", "GET")
            span.set_attribute("http.route", "/orders/{order_id}")
            span.set_attribute("http.response.status_code", 200)
            span.set_attribute("order.number", number)
            span.set_attribute("order.paid", True)


def run(target, count: int, threads: int) -> None:
    each = [threading.Thread(target=target, args=(count // threads,)) for _ in range(threads)]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()


def empty(count: int) -> None:
    for _number in range(count):
        pass


make_spans(WARM_UP)
flush(provider)
samples = []
for _ in range(REPEATS):
    gc.collect()
    cpu, wall = cpu_nanos(), time.perf_counter_ns()
    run(make_spans, COUNT, THREADS)
    made = time.perf_counter_ns()
    flush(provider)
    cpu_end, wall_end = cpu_nanos(), time.perf_counter_ns()
    run(empty, COUNT, THREADS)
    cpu_empty, one = cpu_nanos(), time.perf_counter_ns()
    run(make_spans, COUNT, 1)
    one_end = time.perf_counter_ns()
    flush(provider)
    samples.append(
        {
            "cpu_nanos": cpu_end - cpu,
            "wall_nanos": wall_end - wall,
            "making_wall_nanos": made - wall,
            "one_thread_making_wall_nanos": one_end - one,
            "empty_cpu_nanos": cpu_empty - cpu_end,
        }
    )
close(provider)
report(samples, WARM_UP + REPEATS * (COUNT // THREADS * THREADS + COUNT))
