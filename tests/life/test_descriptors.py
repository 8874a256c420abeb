"""Programs that close descriptors they do not know, as libraries that make daemons do."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

# What the program does right after: the numbers stay free, or are somebody else's at once.
AFTERWARDS = {
    "nothing": "kept = []",
    "others": "kept = [os.open('/dev/null', os.O_RDWR) for _ in range(12)]",
    "sockets": "import socket; kept = [end for _ in range(6) for end in socket.socketpair()]",
}


@pytest.fixture(params=AFTERWARDS)
def afterwards(request: pytest.FixtureRequest) -> str:
    return AFTERWARDS[request.param]


@pytest.mark.parametrize("delay", [100, 5000], ids=["idle", "waiting"])
def test_spans_are_delivered_though_the_process_closes_its_descriptors(
    afterwards: str, delay: int, protocol: str, run: Run, arrived: Arrived
) -> None:
    finished = run(
        f"""
        import os
        from tracing import *

        provider = start(schedule_delay_millis={delay})
        spans("before", 5)
        provider.force_flush()
        spans("queued", 5)
        time.sleep(0.3)
        os.closerange(3, 1024)
        {afterwards}
        spans("after", 5)
        assert provider.force_flush(3000)
        spans("last", 5)
        say_now("end")
        # What is somebody else's now is still open, and nobody wrote to it.
        for descriptor in kept:
            if hasattr(descriptor, "setblocking"):
                descriptor.setblocking(False)
                try:
                    descriptor.recv(1)
                    raise SystemExit("somebody wrote or closed")
                except BlockingIOError:
                    pass
            else:
                os.fstat(descriptor)
        """,
        protocol=protocol,
    )
    assert arrived(20) == {"before": 5, "queued": 5, "after": 5, "last": 5}
    assert finished.stderr == ""
    assert finished.end - finished.said("end") < 3


def test_what_was_queued_is_delivered_though_nothing_comes_after_it(
    protocol: str, run: Run, arrived: Arrived
) -> None:
    run(
        """
        import os
        from tracing import *

        provider = start(schedule_delay_millis=500)
        spans("queued", 5)
        time.sleep(0.1)
        os.closerange(3, 1024)
        time.sleep(2)
        os._exit(0)
        """,
        protocol=protocol,
    )
    assert arrived(5) == {"queued": 5}


@pytest.mark.fork
def test_a_daemon_that_closes_its_descriptors_delivers_its_spans(
    protocol: str, run: Run, arrived: Arrived
) -> None:
    run(
        """
        import os
        import sys
        from tracing import *

        provider = start()
        spans("before", 5)
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            sys.exit(0)
        os.setsid()
        with span("daemonise"):
            with span("inner"):
                pass
            time.sleep(0.05)
            os.closerange(3, 1024)
        spans("daemon", 5)
        """,
        protocol=protocol,
    )
    assert arrived(12) == {"before": 5, "inner": 1, "daemonise": 1, "daemon": 5}


def test_metrics_and_simple_processors_go_on_too(protocol: str, run: Run, arrived: Arrived) -> None:
    run(
        """
        import os
        from tracing import *
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter()))
        trace.set_tracer_provider(provider)
        spans("before", 2)
        os.closerange(3, 1024)
        spans("after", 2)
        """,
        protocol=protocol,
    )
    assert arrived(4) == {"before": 2, "after": 2}


def test_sigterm_still_exports_the_queue_and_ends_the_process(
    afterwards: str, protocol: str, run: Run, arrived: Arrived
) -> None:
    run(
        f"""
        import os
        import signal
        from tracing import *

        provider = start(schedule_delay_millis=60_000)
        spans("queued", 5)
        os.closerange(3, 1024)
        {afterwards}
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        """,
        exit_code=-15,
        protocol=protocol,
    )
    assert arrived(5) == {"queued": 5}
