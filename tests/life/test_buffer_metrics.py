"""The buffer and metrics: what was not delivered in time waits, and the last values of a process
that ends at once are there for whoever comes next."""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from life.test_buffer import files, rings, wait_until

Start = Callable[..., Any]

NEXT_START = """
    import time
    from metering import *

    provider = start()
    counter = provider.get_meter("life").create_counter("next")
    print("ready", flush=True)
    time.sleep(120)
"""


def points(collector: Any, name: str) -> list[dict[str, Any]]:
    """The points of all metrics of this name that were accepted, in the order of their coming."""
    found = []
    for request in collector.requests():
        for resource in request.decoded.get("resource_metrics", ()) if request.accepted else ():
            for scope in resource["scope_metrics"]:
                for metric in scope["metrics"]:
                    found += metric["sum"]["data_points"] if metric["name"] == name else []
    return found


def value(point: dict[str, Any]) -> int:
    return int(point["as_int"])


@pytest.mark.parametrize(
    ("end", "exit_code"),
    [
        ("os._exit(3)", 3),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
    ],
)
def test_the_last_values_of_a_process_that_ends_at_once_are_delivered(
    end: str, exit_code: int, collector: Any, buffer: dict[str, str], start_program: Start
) -> None:
    running = start_program(
        f"""
            import signal, time
            from metering import *
            provider = start()
            counter = provider.get_meter("life").create_counter("orders")
            for _ in range(7):
                counter.add(6)
            # Longer than the interval at which they are looked at.
            time.sleep(2.5)
            {end}
        """,
        env=buffer,
    )
    assert running.finish().exit_code == exit_code
    assert points(collector, "orders") == []
    running = start_program(NEXT_START, env=buffer)
    running.wait_for_line("ready")
    wait_until(lambda: bool(points(collector, "orders")), 40, "nothing has arrived")
    (point,) = points(collector, "orders")
    assert value(point) == 42
    assert int(point["start_time_unix_nano"]) < int(point["time_unix_nano"])
    running.kill()


def test_what_was_exported_is_not_sent_again(
    collector: Any, buffer: dict[str, str], start_program: Start
) -> None:
    running = start_program(
        """
            import time
            from metering import *
            provider = start()
            counter = provider.get_meter("life").create_counter("orders")
            counter.add(1)
            time.sleep(1.5)
            provider.force_flush()
            os._exit(0)
        """,
        env=buffer,
    )
    assert running.finish().exit_code == 0
    assert [value(point) for point in points(collector, "orders")] == [1]
    running = start_program(NEXT_START, env=buffer)
    running.wait_for_line("ready")
    wait_until(lambda: not rings(buffer), 40, f"{rings(buffer)} are left")
    assert len(points(collector, "orders")) == 1
    running.kill()


@pytest.mark.fork
def test_children_that_end_by_exit_leave_their_last_values_to_their_parent(
    collector: Any, buffer: dict[str, str], start_program: Start
) -> None:
    running = start_program(
        """
            import time
            from metering import *
            provider = start()
            counter = provider.get_meter("life").create_counter("orders")
            counter.add(1)
            if os.fork() == 0:
                counter.add(20)
                time.sleep(2.5)
                os._exit(0)
            os.wait()
            print("ready", flush=True)
            time.sleep(60)
        """,
        env=buffer,
    )
    running.wait_for_line("ready")
    running.kill()
    running = start_program(NEXT_START, env=buffer)
    running.wait_for_line("ready")
    wait_until(lambda: len(points(collector, "orders")) >= 2, 40, "not all has arrived")
    assert sorted(value(point) for point in points(collector, "orders")) == [1, 20]
    running.kill()


def test_a_request_that_failed_is_delivered_when_the_receiver_is_back(
    collector: Any, buffer: dict[str, str], start_program: Start
) -> None:
    collector.refuse()
    running = start_program(
        """
            import time
            from metering import *
            provider = start()
            counter = provider.get_meter("life").create_counter("orders")
            for _ in range(3):
                counter.add(1)
                print("flushed", provider.force_flush(1_000), flush=True)
            print("ready", flush=True)
            time.sleep(60)
        """,
        env=buffer | {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"},
    )
    running.wait_for_line("ready")
    assert "flushed True" not in str(running.stdout)
    wait_until(lambda: bool(files(buffer)), 10, "nothing was written")
    collector.listen()
    wait_until(lambda: len(points(collector, "orders")) >= 3, 60, "not all has arrived")
    assert [value(point) for point in points(collector, "orders")][:3] == [1, 2, 3]
    running.kill()


def test_an_end_without_a_receiver_keeps_the_last_metrics_for_the_next_start(
    collector: Any, buffer: dict[str, str], start_program: Start, refused: str
) -> None:
    collector.refuse()
    running = start_program(
        """
            from metering import *
            provider = start()
            provider.get_meter("life").create_counter("orders").add(5)
            provider.shutdown(2_000)
        """,
        env=buffer | {"OTEL_EXPORTER_OTLP_TIMEOUT": "0.5"},
    )
    finished = running.finish()
    assert finished.exit_code == 0
    assert "1 metric is kept in " in finished.stderr
    assert rings(buffer) == []
    assert len(files(buffer)) == 1
    collector.listen()
    running = start_program(NEXT_START, env=buffer)
    running.wait_for_line("ready")
    wait_until(lambda: bool(points(collector, "orders")), 40, "nothing has arrived")
    assert [value(point) for point in points(collector, "orders")] == [5]
    running.kill()
