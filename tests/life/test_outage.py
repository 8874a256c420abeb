"""The receiver restarts, or is away for longer than a request may take: nothing is lost or sent
twice as long as the queue has room, and a loss is counted and said."""

import re
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

Start = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

# Two hundred spans in a second for four seconds; then the program waits to be told to end.
STEADY = """
    import signal, sys
    from tracing import *

    start({options})
    print("started", flush=True)
    for index in range(800):
        spans("steady", 1, pause=0.005)
    print("done", flush=True)
"""


def unique_ids(collector: Any) -> int:
    return len({(span["trace_id"], span["span_id"]) for span in collector.spans()})


def test_a_receiver_that_restarts_costs_nothing(
    protocol: str, collector: Any, start_program: Start, arrived: Arrived
) -> None:
    running = start_program(
        STEADY.format(options="schedule_delay_millis=100, max_queue_size=10_000"),
        protocol=protocol,
    )
    running.wait_for_line("started")
    for _ in range(4):
        time.sleep(0.8)
        collector.restart()
    finished = running.finish()
    assert finished.exit_code == 0
    assert "Traceback" not in finished.stderr
    assert arrived(800) == {"steady": 800}
    assert unique_ids(collector) == 800


def test_an_outage_longer_than_a_request_may_take_costs_nothing_that_fits_the_queue(
    protocol: str, collector: Any, start_program: Start, arrived: Arrived
) -> None:
    # Scaled down from 26 seconds with the default timeout of ten: 2.6 seconds with one.
    running = start_program(
        STEADY.format(options="schedule_delay_millis=100, max_queue_size=10_000"),
        protocol=protocol,
        env={"OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
    )
    running.wait_for_line("started")
    time.sleep(0.5)
    collector.refuse()
    time.sleep(2.6)
    collector.listen()
    finished = running.finish()
    assert finished.exit_code == 0
    assert "Traceback" not in finished.stderr
    assert arrived(800) == {"steady": 800}
    assert unique_ids(collector) == 800


def test_an_outage_costs_nothing_where_nobody_says_how_long_the_queue_is(
    protocol: str, collector: Any, start_program: Start, arrived: Arrived
) -> None:
    # Scaled down from 26 seconds at 200 spans a second: as many spans in a tenth of the time.
    source = STEADY.replace("range(800)", "range(6000)").replace("0.005", "0.0005")
    running = start_program(source.format(options="schedule_delay_millis=100"), protocol=protocol)
    running.wait_for_line("started")
    time.sleep(0.3)
    collector.refuse()
    # 5,200 of the 6,000 are made meanwhile; 2,048 were what the queue had room for.
    running.wait_for_line("done")
    collector.listen()
    finished = running.finish()
    assert finished.exit_code == 0
    assert arrived(6000) == {"steady": 6000}
    assert unique_ids(collector) == 6000


def test_refusals_that_ask_for_patience_cost_nothing(
    protocol: str, collector: Any, start_program: Start, arrived: Arrived
) -> None:
    busy = {
        "grpc": {"do": "grpc_status", "code": "UNAVAILABLE", "retry_delay": 0.2, "times": 3},
        "http": {"do": "http_status", "status": 503, "headers": {"Retry-After": "1"}, "times": 2},
    }
    collector.script([busy[protocol]])
    running = start_program(
        STEADY.format(options="schedule_delay_millis=100, max_queue_size=10_000"),
        protocol=protocol,
    )
    finished = running.finish()
    assert finished.exit_code == 0
    assert arrived(800) == {"steady": 800}


def test_what_does_not_fit_the_queue_is_counted_and_said(
    protocol: str, collector: Any, start_program: Start, arrived: Arrived
) -> None:
    collector.refuse()
    running = start_program(
        """
        from tracing import *

        start(schedule_delay_millis=50, max_queue_size=100, max_export_batch_size=50)
        spans("many", 1000)
        time.sleep(1.0)
        print("made", flush=True)
        time.sleep(2.0)
        """,
        protocol=protocol,
    )
    running.wait_for_line("made")
    collector.listen()
    finished = running.finish()
    kept = arrived(1)["many"]
    assert 100 <= kept < 1000
    # Said at the end in one message, with exactly the number that is missing.
    said = re.findall(
        r"(\d+) of 1000 spans were not delivered .*: the queue was full", finished.stderr
    )
    assert said == [str(1000 - kept)], finished.stderr
    assert len(finished.stderr.splitlines()) <= 5, finished.stderr
