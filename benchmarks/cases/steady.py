"""The specification's second benchmark: CPU and memory while making 10,000 spans a second.

Spans have ten attributes of 20 characters; a hundred are made every ten milliseconds.
"""

import gc
import resource
import time

from measure import COUNT, cpu_nanos, report

PAGE = resource.getpagesize()


def resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * PAGE


before = resident_bytes()

from opentelemetry import trace  # noqa: E402  the memory before it is the point
from pipeline import close, flush, make_provider  # noqa: E402

RATE = 10_000
BURST = 100
provider = make_provider()
tracer = trace.get_tracer("benchmark", tracer_provider=provider)
ATTRIBUTES = [(f"attribute.name.{n:05}", f"attribute value {n:04}") for n in range(10)]


def burst() -> None:
    for _ in range(BURST):
        with tracer.start_as_current_span("specification") as span:
            for name, value in ATTRIBUTES:
                span.set_attribute(name, value)


def run(count: int) -> tuple[int, list[int]]:
    """Make `count` spans at the rate; returns the bursts that began late and memory samples."""
    late, resident = 0, []
    bursts = count // BURST
    period = BURST / RATE
    start = time.perf_counter()
    for number in range(bursts):
        burst()
        if number % 20 == 19:
            resident.append(resident_bytes())
        wait = start + (number + 1) * period - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        else:
            late += 1
    return late, resident


warm_up = COUNT // 5 // BURST * BURST
run(warm_up)
flush(provider)
gc.collect()
cpu, wall = cpu_nanos(), time.perf_counter_ns()
late, resident = run(COUNT)
flush(provider)
cpu_end, wall_end = cpu_nanos(), time.perf_counter_ns()
close(provider)
sample = {
    "cpu_nanos": cpu_end - cpu,
    "wall_nanos": wall_end - wall,
    "late_bursts": late,
    "resident_bytes": resident,
    "resident_before_bytes": before,
}
report([sample], warm_up + COUNT // BURST * BURST)
