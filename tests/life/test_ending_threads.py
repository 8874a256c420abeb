"""Daemon threads that are in the middle of Python code called by the library when a program ends.

CPython up to 3.13 ends such threads by unwinding their stacks, natively, through the library.
"""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]

# Each is the program's own code, called by the library, in which the thread lets others run. `work`
# is what the thread does for ever.
PLACES = {
    "an exporter": """
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

        class Slow(SpanExporter):
            def export(self, spans):
                time.sleep(0.05)

        start(processors=[SimpleSpanProcessor(Slow())])

        def work():
            spans("thread")
        """,
    "a processor": """
        from opentelemetry.sdk.trace import SpanProcessor

        class Enrich(SpanProcessor):
            def on_start(self, span, parent_context=None):
                time.sleep(0.001)
                span.set_attribute("thread", threading.current_thread().name)

        start(processors=[Enrich()])

        def work():
            spans("thread")
        """,
    "a sampler": """
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

        class Slow(Sampler):
            def should_sample(self, *arguments, **options):
                time.sleep(0.001)
                return ALWAYS_ON.should_sample(*arguments, **options)

            def get_description(self):
                return "slow"

        start(provider_options={"sampler": Slow()})

        def work():
            spans("thread")
        """,
    "the text of an exception": """
        start()

        class Slow(Exception):
            def __str__(self):
                time.sleep(0.001)
                return "slow"

        def work():
            try:
                with span("thread"):
                    raise Slow
            except Slow:
                pass
        """,
    "the end of an attribute": """
        start()

        class Value(str):
            def __del__(self):
                time.sleep(0.001)

        def work():
            with span("thread") as current:
                current.set_attribute("key", Value("value"))
        """,
    "a carrier": """
        from opentelemetry.propagate import extract, inject

        class Slow(dict):
            def __setitem__(self, key, value):
                time.sleep(0.001)
                super().__setitem__(key, value)

        start()

        def work():
            with span("thread"):
                carrier = Slow()
                inject(carrier)
                extract(carrier)
        """,
    "a handler of a warning": """
        import logging

        class Slow(logging.Handler):
            def emit(self, record):
                time.sleep(0.001)

        logging.getLogger().addHandler(Slow())
        start()

        def work():
            ended = tracer.start_span("thread")
            ended.end()
            ended.set_attribute("key", 1)
        """,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_thread_in_the_programs_code_does_not_break_the_end(place: str, run: Run) -> None:
    program = (
        """
        import threading
        from tracing import *
        """
        + PLACES[place]
        + """
        def work_for_ever():
            while True:
                work()

        for _ in range(3):
            threading.Thread(target=work_for_ever, daemon=True).start()
        time.sleep(0.1)
        print("the end")
        """
    )
    for _ in range(3):
        finished = run(program, silent=False)
        assert finished.stdout.strip() == "the end"
        assert "fatal" not in finished.stderr.lower()
