"""One collection and export of 10,000 series: ten counters with 1,000 combinations of three
attributes each. A turn of the loop is a `force_flush` of the provider."""

import gc
import time

from measure import COUNT, REPEATS, cpu_nanos, report
from pipeline import TRANSPORT, close, flush, make_meter_provider

COUNTERS, COMBINATIONS = 10, 1_000
provider = make_meter_provider()
meter = provider.get_meter("benchmark")
for position in range(COUNTERS):
    counter = meter.create_counter(f"counter.{position}")
    for combination in range(COMBINATIONS):
        counter.add(
            1,
            {
                "http.method": "GET",
                "http.status_code": 200 + combination % 5,
                "http.route": f"/orders/{combination}",
            },
        )

flush(provider)
samples = []
for _ in range(REPEATS):
    gc.collect()
    cpu, wall, thread = cpu_nanos(), time.perf_counter_ns(), time.thread_time_ns()
    for _turn in range(COUNT):
        flush(provider)
    samples.append(
        {
            "thread_nanos": time.thread_time_ns() - thread,
            "cpu_nanos": cpu_nanos() - cpu,
            "wall_nanos": time.perf_counter_ns() - wall,
            "empty_cpu_nanos": 0,
        }
    )
close(provider)
SERIES = COUNTERS * COMBINATIONS
expected = {
    # The first flush, those measured, and what the shutdown collects.
    "data_points": SERIES * (REPEATS * COUNT + 2),
    "series": SERIES,
    "counted": SERIES,
}
report(samples, 0, expected if TRANSPORT != "noop" else {})
