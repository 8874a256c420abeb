"""The longest stall that a thread sees while queued spans are exported and nothing else runs.

The receiver holds its answers back until everything is queued. Then one thread flushes while
another sleeps half a millisecond at a time and notes by how much it woke too late.
"""

import threading
import time

from measure import COUNT, REPEATS, report, tell_receiver
from opentelemetry import trace
from pipeline import close, flush, make_provider

PAUSE_SECONDS = 0.0005
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


class Pinger(threading.Thread):
    """Keeps every lateness, in nanoseconds, until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stopped = False
        self.lateness: list[int] = []

    def run(self) -> None:
        clock, sleep, keep = time.perf_counter_ns, time.sleep, self.lateness.append
        pause = int(PAUSE_SECONDS * 1e9)
        while not self.stopped:
            start = clock()
            sleep(PAUSE_SECONDS)
            keep(clock() - start - pause)

    def finish(self) -> list[int]:
        self.stopped = True
        self.join()
        return sorted(self.lateness)


def quiet(seconds: float) -> list[int]:
    """What the pinger sees with no export at all, on this machine."""
    pinger = Pinger()
    pinger.start()
    time.sleep(seconds)
    return pinger.finish()


make_spans(1000)
flush(provider)
samples = []
for _ in range(REPEATS):
    tell_receiver("hold")
    make_spans(COUNT)
    time.sleep(0.05)
    silent = quiet(0.3)
    pinger = Pinger()
    pinger.start()
    time.sleep(0.01)
    begin = time.perf_counter_ns()
    tell_receiver("release")
    flush(provider)
    export_nanos = time.perf_counter_ns() - begin
    late = pinger.finish()
    samples.append(
        {
            "longest_nanos": late[-1],
            "second_longest_nanos": late[-2],
            "p99_nanos": late[int(len(late) * 0.99)],
            "median_nanos": late[len(late) // 2],
            "pings": len(late),
            "export_wall_nanos": export_nanos,
            "quiet_longest_nanos": silent[-1],
            "quiet_median_nanos": silent[len(silent) // 2],
        }
    )
close(provider)
report(samples, 1000 + REPEATS * COUNT)
