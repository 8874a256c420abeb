"""force_flush and shutdown: they release the GIL, keep to their time and tell the truth."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]


@pytest.mark.parametrize("call", ["provider.force_flush()", "provider.shutdown()"])
def test_other_threads_run_while_a_flush_waits(
    call: str, protocol: str, collector: Any, run: Run
) -> None:
    collector.script([{"do": "accept", "delay": 1.0}])
    finished = run(
        f"""
        import threading
        from tracing import *

        provider = start()
        spans("queued", 10)
        longest, stop = 0.0, threading.Event()

        def watch():
            global longest
            last = now()
            while not stop.is_set():
                time.sleep(0.005)
                longest, last = max(longest, now() - last), now()

        watcher = threading.Thread(target=watch)
        watcher.start()
        begin = now()
        {call}
        print("took", now() - begin)
        stop.set()
        watcher.join()
        print("longest", longest)
        """,
        protocol=protocol,
    )
    assert finished.said("took") >= 0.9
    assert finished.said("longest") < 0.25


def test_force_flush_is_true_when_everything_was_accepted(
    protocol: str, run: Run, arrived: Arrived
) -> None:
    finished = run(
        """
        from tracing import *

        provider = start(schedule_delay_millis=60_000)
        print(provider.force_flush())
        spans("queued", 2000)
        print(provider.force_flush())
        spans("more", 1)
        print(provider.force_flush())
        """,
        protocol=protocol,
    )
    assert finished.stdout.split() == ["True", "True", "True"]
    assert arrived(2001) == {"queued": 2000, "more": 1}


def test_what_force_flush_promised_has_arrived(collector: Any, start_program: Any) -> None:
    running = start_program(
        """
        from tracing import *

        provider = start(schedule_delay_millis=60_000)
        spans("queued", 10)
        assert provider.force_flush()
        print("flushed", flush=True)
        time.sleep(30)
        """
    )
    running.wait_for_line("flushed")
    assert collector.count() == 10
    running.kill()


REFUSALS = {
    "grpc": {"do": "grpc_status", "code": "PERMISSION_DENIED", "message": "no"},
    "http": {"do": "http_status", "status": 403},
}


def test_force_flush_is_false_when_the_receiver_refuses(
    protocol: str, collector: Any, run: Run
) -> None:
    collector.script([REFUSALS[protocol] | {"times": 10}])
    finished = run(
        """
        from tracing import *

        provider = start(schedule_delay_millis=60_000)
        spans("refused", 10)
        print(provider.force_flush())
        """,
        protocol=protocol,
        silent=False,
    )
    assert finished.stdout.split() == ["False"]
    assert collector.count() == 0


def test_force_flush_is_false_when_nobody_listens(protocol: str, run: Run, refused: str) -> None:
    finished = run(
        """
        from tracing import *

        provider = start(schedule_delay_millis=60_000)
        spans("lost", 10)
        begin = now()
        print(provider.force_flush(1000))
        print("took", now() - begin)
        """,
        protocol=protocol,
        silent=False,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": refused, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"},
    )
    assert finished.stdout.split()[0] == "False"
    assert finished.said("took") < 1.5


def test_force_flush_keeps_to_its_timeout(protocol: str, collector: Any, run: Run) -> None:
    collector.script([{"do": "accept", "delay": 3.0}])
    finished = run(
        """
        from tracing import *

        provider = start(schedule_delay_millis=60_000)
        spans("slow", 10)
        begin = now()
        print(provider.force_flush(300))
        print("took", now() - begin)
        """,
        protocol=protocol,
        silent=False,
    )
    assert finished.stdout.split()[0] == "False"
    assert 0.25 < finished.said("took") < 0.6


def test_flushes_from_several_threads_at_once_all_tell_the_truth(
    run: Run, arrived: Arrived
) -> None:
    finished = run(
        """
        import threading
        from tracing import *

        provider = start(schedule_delay_millis=60_000, max_queue_size=10_000)
        answers = []

        def work(number):
            spans("work", 100)
            answers.append(provider.force_flush())

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(answers)
        """
    )
    assert finished.stdout.strip() == str([True] * 8)
    assert arrived(800) == {"work": 800}


def test_processors_that_are_dropped_send_what_they_have_and_are_forgotten(
    run: Run, arrived: Arrived
) -> None:
    run(
        """
        import gc, os
        from tracing import *

        def record():
            provider = TracerProvider(shutdown_on_exit=False)
            processor = BatchSpanProcessor(exporter(), schedule_delay_millis=60_000)
            provider.add_span_processor(processor)
            provider.get_tracer("life").start_span("dropped").end()

        for _ in range(20):
            record()
        gc.collect()
        time.sleep(1)
        # Nothing is sent by an end like this.
        os._exit(0)
        """
    )
    assert arrived(20) == {"dropped": 20}
