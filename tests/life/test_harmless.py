"""Bad input and broken extensions: the program goes on, and one message says what was wrong."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

UNKEEPABLE = {
    "an int of more than 64 bits": ("2 ** 70", "int"),
    "a value whose text cannot be made": ("Broken()", "Broken"),
}


@pytest.mark.parametrize("what", UNKEEPABLE)
def test_an_attribute_that_cannot_be_kept_is_said_once_with_key_and_type(
    what: str, collector: Any, run: Run
) -> None:
    value, type_name = UNKEEPABLE[what]
    finished = run(
        f"""
        from tracing import *

        class Broken:
            def __str__(self):
                raise ValueError("no text")
            __repr__ = __str__

        start()
        for _ in range(20):
            with span("kept") as current:
                current.set_attribute("before", 1)
                current.set_attribute("the.bad.one", {value})
                current.set_attribute("after", 2)
        """,
        silent=False,
    )
    made = collector.wait_for(20)
    assert len(made) == 20
    assert all(span["attributes"] == {"before": 1, "after": 2} for span in made)
    (message,) = (line for line in finished.stderr.splitlines() if "the.bad.one" in line)
    assert type_name in message
    assert "Traceback" not in finished.stderr


def test_keys_and_names_of_the_wrong_type_reach_nobody(collector: Any, run: Run) -> None:
    finished = run(
        """
        from tracing import *

        start()
        with span("kept") as current:
            current.set_attribute(5, "five")
            current.set_attribute("", "nothing")
            current.add_event("event", {7: "seven", "good": 1})
            current.set_attribute("good", 1)
        """,
        silent=False,
    )
    (span,) = collector.wait_for(1)
    assert span["attributes"] == {"good": 1}
    assert span["events"][0]["attributes"]["good"] == 1
    assert "Traceback" not in finished.stderr


BROKEN = {
    "on_start": "processors=[BrokenProcessor('on_start')]",
    "on_end": "processors=[BrokenProcessor('on_end')]",
    "exporter": "processors=[SimpleSpanProcessor(BrokenExporter())]",
    "batched exporter": "processors=[BatchSpanProcessor(BrokenExporter())]",
    "sampler": "provider_options={'sampler': BrokenSampler()}",
    "sampler that answers nonsense": "provider_options={'sampler': NonsenseSampler()}",
}


@pytest.mark.parametrize(
    "broken",
    list(BROKEN),
)
def test_a_broken_extension_never_reaches_the_caller(
    broken: str, run: Run, arrived: Arrived
) -> None:
    finished = run(
        f"""
        from tracing import *
        from broken import *
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        provider = start({BROKEN[broken]})
        results = []
        for _ in range(50):
            with span("kept") as current:
                results.append(current.is_recording())
        print(len(results))
        provider.force_flush()
        provider.shutdown()
        print("alive", now())
        """,
        silent=False,
    )
    finished.said("alive")
    assert finished.stdout.splitlines()[0] == "50"
    # A neighbour of the broken one still gets its spans, unless it may have wanted to hide them.
    if broken == "on_end":
        assert arrived(0) == {}
    elif "sampler" not in broken:
        assert arrived(50) == {"kept": 50}
    lines = finished.stderr.splitlines()
    assert lines, "a broken extension has to be said"
    reasons = ("broken extension", "'str'", "NonsenseSampler", "yes please")
    messages = [line for line in lines if any(reason in line for reason in reasons)]
    assert messages, finished.stderr
    # The official SDK logs each failed export, and so do we; the rest is said once.
    if "exporter" not in broken:
        # Two lines each for the method in question, force_flush and shutdown.
        assert len(messages) <= 6, finished.stderr


def test_an_interrupt_inside_an_extension_still_ends_the_program(run: Run) -> None:
    # Harmless does not mean deaf: what the user or the system asks for must pass.
    finished = run(
        """
        from tracing import *
        from opentelemetry.sdk.trace import SpanProcessor

        class Interrupted(SpanProcessor):
            def on_end(self, span):
                raise KeyboardInterrupt

        start(processors=[Interrupted()])
        spans("interrupted", 1)
        print("not reached")
        """,
        exit_code=-2,
        silent=False,
    )
    assert "not reached" not in finished.stdout


def test_recursion_through_a_log_handler_ends(run: Run, arrived: Arrived) -> None:
    # A handler that makes a span for each message, while messages come from making spans.
    run(
        """
        import logging
        from tracing import *

        class Handler(logging.Handler):
            def emit(self, record):
                with span("logged") as current:
                    current.set_attribute("message", record.getMessage())

        logging.getLogger().addHandler(Handler())
        provider = start()
        for _ in range(5):
            ended = tracer.start_span("kept")
            ended.end()
            # "on ended span" is a warning.
            ended.set_attribute("late", 1)
        """,
        silent=False,
    )
    assert arrived(5)["kept"] == 5


def test_trouble_is_told_while_the_main_thread_only_waits(collector: Any, run: Run) -> None:
    collector.script([{"do": "http_status", "status": 401, "times": 100}])
    finished = run(
        """
        import logging, threading
        from tracing import *

        told = threading.Event()

        class Handler(logging.Handler):
            def emit(self, record):
                if "401" in record.getMessage():
                    told.set()

        logging.getLogger().addHandler(Handler())
        start(schedule_delay_millis=50)

        def serve():
            # Started by the main thread, which then waits in C code, as a server's does.
            begin = now()
            while not told.is_set() and now() < begin + 8:
                spans("request", 1, pause=0.05)
            print("told" if told.is_set() else "not told", flush=True)

        thread = threading.Thread(target=serve)
        thread.start()
        thread.join()
        """,
        protocol="http",
        silent=False,
    )
    assert finished.stdout == "told\n"
