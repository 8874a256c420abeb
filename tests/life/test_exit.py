"""How programs end: what was queued arrives, and with no receiver the end is not delayed."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

TIMEOUT_SECONDS = 1
MARGIN_SECONDS = 0.5

ENDS = {
    "the end of the file": ("", 0),
    "sys.exit": ("import sys; sys.exit(3)", 3),
    "an exception": ("raise LookupError('the program is wrong')", 1),
    "SystemExit inside a span": ("with span('open'): raise SystemExit(4)", 4),
    "an exception inside a span": ("with span('open'): raise LookupError('wrong')", 1),
    # A shell has its background jobs ignore SIGINT, and this may run in one.
    "SIGINT": (
        "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        " os.kill(os.getpid(), signal.SIGINT); time.sleep(5)",
        -2,
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_was_queued_arrives(end: str, protocol: str, run: Run, arrived: Arrived) -> None:
    program, exit_code = ENDS[end]
    finished = run(
        f"""
        from tracing import *

        start()
        spans("queued", 100)
        {program}
        """,
        protocol=protocol,
        exit_code=exit_code,
        silent=False,
    )
    open_spans = {"open": 1} if "open" in program else {}
    assert arrived(100 + len(open_spans)) == {"queued": 100} | open_spans
    wanted = {1: "LookupError", -2: "KeyboardInterrupt"}.get(exit_code, "")
    assert wanted in finished.stderr
    # Nothing but the program's own traceback.
    assert "opentelemetry" not in finished.stderr
    assert bool(finished.stderr) == bool(wanted)


def test_more_than_one_batch_arrives_at_exit(run: Run, arrived: Arrived) -> None:
    run(
        """
        from tracing import *

        start(max_queue_size=50_000, schedule_delay_millis=60_000)
        spans("queued", 20_000)
        """
    )
    assert arrived(20_000) == {"queued": 20_000}


def test_a_slow_receiver_is_waited_for(collector: Any, run: Run, arrived: Arrived) -> None:
    collector.script([{"do": "accept", "delay": 1.5}])
    run(
        """
        from tracing import *

        start()
        spans("queued", 100)
        """
    )
    assert arrived() == {"queued": 100}


def test_a_span_that_is_never_ended_does_no_harm(run: Run, arrived: Arrived) -> None:
    run(
        """
        from tracing import *

        start()
        kept = tracer.start_span("never ended")
        current = tracer.start_as_current_span("entered")
        current.__enter__()
        spans("queued", 10)
        """
    )
    assert arrived(10)["queued"] == 10


def test_spans_of_exit_handlers_arrive_when_the_handler_runs_first(
    run: Run, arrived: Arrived
) -> None:
    run(
        """
        import atexit
        from tracing import *

        # Handlers run in the opposite order: this one after the provider's own.
        atexit.register(lambda: spans("too late", 5))
        start()
        atexit.register(lambda: spans("in time", 5))
        """
    )
    assert arrived(5) == {"in time": 5}


def test_os_exit_loses_the_queue_and_ends_at_once(run: Run, arrived: Arrived) -> None:
    # Nothing of Python or of a native library runs after os._exit: docs/production.md says so.
    finished = run(
        """
        import os
        from tracing import *

        start(schedule_delay_millis=60_000)
        spans("queued", 100)
        say_now("end")
        os._exit(0)
        """
    )
    assert finished.end - finished.said("end") < MARGIN_SECONDS
    assert arrived() == {}


def test_daemon_threads_that_still_make_spans_at_exit_do_no_harm(
    protocol: str, run: Run, arrived: Arrived
) -> None:
    for _ in range(5):
        finished = run(
            """
            import threading
            from tracing import *

            start(max_queue_size=100_000, schedule_delay_millis=20)

            def work():
                while True:
                    spans("thread", 1, pause=0.0005)

            for _ in range(4):
                threading.Thread(target=work, daemon=True).start()
            time.sleep(0.1)
            spans("main", 10)
            """,
            protocol=protocol,
            silent=False,
        )
        # What they made too late is all there is to say.
        said = finished.stderr.splitlines()
        assert [line for line in said if not line.endswith("made after shutdown")] == []
        assert len(said) <= 1
    assert arrived(50)["main"] == 50


def test_a_thread_that_is_waited_for_at_exit_is_not_cut_off(run: Run, arrived: Arrived) -> None:
    run(
        """
        import threading
        from tracing import *

        start()

        def work():
            time.sleep(0.5)
            spans("thread", 10)

        threading.Thread(target=work).start()
        spans("main", 10)
        """
    )
    assert arrived(20) == {"main": 10, "thread": 10}


@pytest.mark.parametrize("dead", ["refused", "black_hole", "full_backlog", "unresolvable"])
def test_with_a_dead_receiver_the_end_keeps_to_the_budget_and_says_the_loss_once(
    dead: str, protocol: str, request: pytest.FixtureRequest, run: Run
) -> None:
    endpoint = request.getfixturevalue(dead)
    finished = run(
        """
        from tracing import *

        start()
        spans("lost", 37)
        say_now("end")
        """,
        protocol=protocol,
        silent=False,
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT_SECONDS),
            # The budget of a shutdown; docs/configuration.md.
            "OTEL_BSP_EXPORT_TIMEOUT": str(TIMEOUT_SECONDS * 1000),
        },
    )
    assert finished.end - finished.said("end") <= TIMEOUT_SECONDS + MARGIN_SECONDS
    lines = [line for line in finished.stderr.splitlines() if re.search(r"\b37\b", line)]
    assert len(lines) == 1, finished.stderr
    assert "span" in lines[0]
    assert "Traceback" not in finished.stderr
    assert len(finished.stderr.splitlines()) <= 3, finished.stderr


@pytest.mark.parametrize("dead", ["refused", "black_hole", "full_backlog", "unresolvable"])
def test_with_a_dead_receiver_the_end_takes_no_longer_than_one_export(
    dead: str, protocol: str, request: pytest.FixtureRequest, run: Run
) -> None:
    # As with the official packages: who sets the exporter's timeout alone has set the budget.
    endpoint = request.getfixturevalue(dead)
    finished = run(
        """
        from tracing import *

        start()
        spans("lost", 37)
        say_now("end")
        """,
        protocol=protocol,
        silent=False,
        timeout=60,
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT_SECONDS),
        },
    )
    assert finished.end - finished.said("end") <= TIMEOUT_SECONDS + MARGIN_SECONDS


def test_with_a_dead_receiver_many_batches_keep_to_the_same_budget(refused: str, run: Run) -> None:
    finished = run(
        """
        from tracing import *

        start(max_queue_size=20_000, schedule_delay_millis=60_000)
        spans("lost", 10_000)
        say_now("end")
        """,
        silent=False,
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": refused,
            "OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT_SECONDS),
        },
    )
    assert finished.end - finished.said("end") <= TIMEOUT_SECONDS + MARGIN_SECONDS
    assert "Traceback" not in finished.stderr


def test_a_second_provider_and_an_explicit_shutdown_end_well(run: Run, arrived: Arrived) -> None:
    run(
        """
        from tracing import *

        first = start()
        spans("first", 5)
        second = TracerProvider()
        second.add_span_processor(BatchSpanProcessor(exporter()))
        with second.get_tracer("second").start_as_current_span("second"):
            pass
        first.shutdown()
        # Spans after the shutdown are nobody's.
        spans("after", 5)
        """
    )
    assert arrived(6) == {"first": 5, "second": 1}


# All three signals, and a second destination for spans.
EVERY_SIGNAL = """
    import metering
    from logs import *

    tracing.start(processors=[tracing.BatchSpanProcessor(tracing.exporter())])
    meters = metering.start()
    start(traces=False)
    tracing.spans("span", 37)
    for number in range(41):
        log.info("record %d", number)
    meters.get_meter("life").create_counter("orders").add(43)
    {last_words}
    tracing.say_now("end")
    {end}
"""


@pytest.mark.parametrize("end", ["", "import signal; signal.raise_signal(signal.SIGTERM)"])
def test_all_signals_together_keep_to_one_budget(
    end: str, protocol: str, black_hole: str, run: Run
) -> None:
    finished = run(
        EVERY_SIGNAL.format(last_words="", end=end),
        protocol=protocol,
        silent=False,
        exit_code=-15 if end else 0,
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": black_hole,
            "OTEL_EXPORTER_OTLP_TIMEOUT": str(2 * TIMEOUT_SECONDS),
        },
    )
    # Half a second for each shutdown after the first, where one has used up the budget.
    took = finished.end - finished.said("end")
    assert took <= 2 * TIMEOUT_SECONDS + 4 * MARGIN_SECONDS, finished.stderr
    # Both destinations of spans; what is logged of the trouble is a record too.
    assert finished.stderr.count("37 spans were not delivered") == 2, finished.stderr
    assert re.search(r"\b4\d logs were not delivered", finished.stderr), finished.stderr
    assert "Failed to export metrics" in finished.stderr, finished.stderr
    assert "error code: ," not in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_dead_destination_costs_the_others_nothing(
    protocol: str, black_hole: str, collector: Any, run: Run, arrived: Arrived
) -> None:
    """The dead one is shut down first; what is made meanwhile, by a handler that runs before the
    others' turn, still arrives."""
    path = "" if protocol == "grpc" else "/v1/traces"
    last_words = """
    import atexit
    spare = tracing.TracerProvider()
    spare.add_span_processor(tracing.BatchSpanProcessor(tracing.exporter(endpoint="{dead}")))
    atexit.register(lambda: tracing.spans("last", 5))
    with spare.get_tracer("spare").start_as_current_span("lost"):
        pass
    late = tracing.TracerProvider()
    late.add_span_processor(tracing.BatchSpanProcessor(tracing.exporter(endpoint="{dead}")))
    late.get_tracer("late").start_span("lost").end()
    """.format(dead=black_hole + path)
    finished = run(
        EVERY_SIGNAL.format(last_words=last_words, end=""),
        protocol=protocol,
        silent=False,
        env={"OTEL_EXPORTER_OTLP_TIMEOUT": str(TIMEOUT_SECONDS)},
    )
    assert "Traceback" not in finished.stderr
    assert arrived(84) == {"span": 74, "last": 10}
    kinds = Counter(request.signal for request in collector.requests() if request.accepted)
    assert kinds["logs"] >= 1 and kinds["metrics"] == 1


def test_exceptions_are_recorded_while_the_interpreter_ends(run: Run) -> None:
    finished = run(
        """
        import builtins
        from tracing import *

        start()

        def job():
            with tracer.start_as_current_span("job") as current:
                try:
                    yield
                finally:
                    try:
                        with tracer.start_as_current_span("clean-up"):
                            raise ValueError("clean-up")
                    except ValueError as error:
                        current.record_exception(error)
                    current.set_attribute("key", [1, 2])
                    print("the rest of the clean-up runs")

        # What is last to go, after the modules.
        builtins.kept = job()
        next(builtins.kept)
        """
    )
    assert finished.stdout == "the rest of the clean-up runs\n"
