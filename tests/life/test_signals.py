"""SIGTERM: with and without a handler, in the parent, in children, with no receiver there, and in
processes that live on."""

import functools
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Start = Callable[..., Any]
Arrived = Callable[..., Counter[str]]

# Nothing is exported before the end.
QUEUED = """
    from tracing import *

    start(schedule_delay_millis=60_000)
    spans("queued", 100)
    print("ready", flush=True)
    time.sleep(30)
"""


def terminate(running: Any, timeout: float = 15) -> Any:
    running.wait_for_line("ready")
    running.signal(signal.SIGTERM)
    return running.finish(timeout)


def test_sigterm_without_a_handler_exports_the_queue_and_kills(
    protocol: str, start_program: Start, arrived: Arrived
) -> None:
    finished = terminate(start_program(QUEUED, protocol=protocol))
    assert (finished.exit_code, finished.stderr) == (-signal.SIGTERM, "")
    assert arrived(100) == {"queued": 100}


def test_sigterm_while_the_interpreter_is_busy_exports_the_queue(
    start_program: Start, arrived: Arrived
) -> None:
    running = start_program(
        """
        import re
        from tracing import *

        start(schedule_delay_millis=60_000)
        spans("queued", 100)
        print("ready", flush=True)
        # Holds the GIL for minutes.
        re.match("(a*)*b", "a" * 60)
        """
    )
    finished = terminate(running)
    assert finished.exit_code == -signal.SIGTERM
    assert arrived(100) == {"queued": 100}


MEASURED = """
    import os, time
    from tracing import say_now
    from opentelemetry.metrics import Observation
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    if os.environ.get("LIFE_PROTOCOL", "grpc") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    else:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), 600_000)
    meter = MeterProvider([reader]).get_meter("a")
    {before}
    meter.create_observable_gauge("observed", [lambda _: [Observation(1)]])
    counter = meter.create_counter("counted")
    for _ in range(7):
        counter.add(1, {{"k": "v"}})
    meter.create_histogram("spread").record(3)
    say_now("ready")
    {busy}
"""


def measured(collector: Any) -> dict[str, Any]:
    return {
        metric["name"]: metric
        for request in collector.requests()
        if request.signal == "metrics"
        for resource_metrics in request.decoded["resource_metrics"]
        for scope_metrics in resource_metrics["scope_metrics"]
        for metric in scope_metrics["metrics"]
    }


@pytest.mark.parametrize(
    "busy", ["time.sleep(30)", 're = __import__("re"); re.match("(a*)*b", "a" * 60)']
)
def test_sigterm_without_a_handler_exports_what_was_measured(
    busy: str, protocol: str, collector: Any, start_program: Start
) -> None:
    running = start_program(MEASURED.format(before="", busy=busy), protocol=protocol)
    finished = terminate(running)
    assert (finished.exit_code, finished.stderr) == (-signal.SIGTERM, "")
    metrics = measured(collector)
    # What is observed takes Python, which is not asked any more.
    assert sorted(metrics) == ["counted", "spread"]
    (point,) = metrics["counted"]["sum"]["data_points"]
    assert int(point["as_int"]) == 7


@pytest.mark.fork
def test_sigterm_in_a_forked_child_exports_what_the_child_measured(
    collector: Any, start_program: Start
) -> None:
    before = """
    if os.fork():
        os.wait()
        os._exit(0)
    os.environ["IS_CHILD"] = "1"
    """.strip()
    busy = "import signal; os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)"
    running = start_program(MEASURED.format(before=before, busy=busy), protocol="http")
    assert running.finish().exit_code == 0
    assert sorted(measured(collector)) == ["counted", "spread"]


def test_sigterm_says_what_was_measured_for_nobody(refused: str, start_program: Start) -> None:
    running = start_program(
        MEASURED.format(before="", busy="time.sleep(30)"),
        protocol="http",
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": refused},
    )
    finished = terminate(running)
    assert finished.exit_code == -signal.SIGTERM
    assert "1 export of metrics was not delivered" in finished.stderr


@pytest.mark.parametrize("dead", ["refused", "black_hole"])
def test_sigterm_with_a_dead_receiver_keeps_to_its_budget_and_says_the_loss(
    dead: str, request: pytest.FixtureRequest, start_program: Start
) -> None:
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": request.getfixturevalue(dead),
        "OXITEL_SIGTERM_FLUSH_TIMEOUT": "1000",
    }
    running = start_program(
        QUEUED.replace('print("ready", flush=True)', 'say_now("ready")'), env=environment
    )
    finished = terminate(running)
    assert finished.exit_code == -signal.SIGTERM
    assert finished.end - finished.said("ready") < 1.0 + 1.0
    lines = [line for line in finished.stderr.splitlines() if re.search(r"\b100 spans\b", line)]
    assert len(lines) == 1, finished.stderr


def test_sigterm_can_be_left_alone(start_program: Start, arrived: Arrived) -> None:
    finished = terminate(start_program(QUEUED, env={"OXITEL_SIGTERM_FLUSH_TIMEOUT": "0"}))
    assert finished.exit_code == -signal.SIGTERM
    assert arrived() == {}


def test_sigterm_with_a_handler_that_exits_loses_nothing(
    start_program: Start, arrived: Arrived
) -> None:
    running = start_program(
        """
        import signal, sys
        from tracing import *

        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        start(schedule_delay_millis=60_000)
        spans("queued", 100)
        print("ready", flush=True)
        time.sleep(30)
        """
    )
    finished = terminate(running)
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert arrived(100) == {"queued": 100}


def test_a_handler_that_does_not_end_the_program_is_left_in_charge(
    start_program: Start, arrived: Arrived
) -> None:
    for early in (True, False):
        setting = "signal.signal(signal.SIGTERM, lambda *_: print('handled', flush=True))"
        running = start_program(
            f"""
            import signal
            from tracing import *

            {setting if early else ""}
            start(schedule_delay_millis=60_000)
            assert early_handler() if {early} else signal.getsignal(signal.SIGTERM) == 0
            {"" if early else setting}
            spans("queued", 10)
            print("ready", flush=True)
            time.sleep(1)
            print("alive", now())
            """.replace("early_handler()", "callable(signal.getsignal(signal.SIGTERM))")
        )
        finished = terminate(running)
        assert (finished.exit_code, finished.stderr) == (0, "")
        assert "handled" in finished.stdout
        finished.said("alive")
    assert arrived(20) == {"queued": 20}


def test_an_ignored_sigterm_stays_ignored(start_program: Start, arrived: Arrived) -> None:
    running = start_program(
        """
        import signal
        from tracing import *

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        start()
        spans("queued", 10)
        print("ready", flush=True)
        time.sleep(1)
        """
    )
    finished = terminate(running)
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert arrived(10) == {"queued": 10}


@pytest.mark.fork
def test_sigterm_ends_children_with_and_without_spans_of_their_own(
    start_program: Start, arrived: Arrived
) -> None:
    running = start_program(
        """
        import os, signal
        from tracing import *

        start(schedule_delay_millis=60_000)
        spans("parent", 10)
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                if number % 2:
                    spans("child", 10)
                os.write(1, b"child is ready\\n")
                time.sleep(30)
                os._exit(1)
            children.append(child)
        time.sleep(1)
        for child in children:
            os.kill(child, signal.SIGTERM)
        for child in children:
            assert os.waitpid(child, 0)[1] == signal.SIGTERM
        """
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert arrived(30) == {"parent": 10, "child": 20}


@pytest.mark.fork
def test_programs_that_are_started_have_the_signal_as_it_was(
    start_program: Start, arrived: Arrived
) -> None:
    running = start_program(
        """
        import signal, subprocess, sys
        from tracing import *

        start(schedule_delay_millis=60_000)
        spans("parent", 10)
        for options in ({}, {"preexec_fn": lambda: None}, {"close_fds": False}):
            other = subprocess.Popen(["sleep", "30"], **options)
            other.terminate()
            assert other.wait(5) == -signal.SIGTERM
        """
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert arrived(10) == {"parent": 10}


@functools.cache
def may_unshare() -> bool:
    try:
        return (
            subprocess.run(["unshare", "-pf", "--mount-proc", "true"], timeout=10).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


@pytest.fixture
def start_as_first_process(start_program: Start) -> Start:
    """As `start_program`, for which the program is process 1, as in a container without an init."""
    if not may_unshare():
        pytest.skip("no namespace of processes can be made here (unshare -pf --mount-proc)")

    def start(source: str, **options: Any) -> Any:
        return start_program(source, wrapper=["unshare", "-pf", "--mount-proc"], **options)

    return start


@pytest.mark.fork
def test_the_first_process_exports_the_queue_at_sigterm_and_goes_on(
    protocol: str, start_as_first_process: Start, arrived: Arrived
) -> None:
    running = start_as_first_process(
        """
        import os, signal
        from tracing import *

        assert os.getpid() == 1
        start(schedule_delay_millis=60_000)
        for name in ("before", "between"):
            spans(name, 10)
            os.kill(1, signal.SIGTERM)
            time.sleep(0.5)
        # The handler is still there, for those that record nothing as well as for those that do.
        child = os.fork()
        if child == 0:
            spans("child", 10)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
            os._exit(1)
        assert os.waitpid(child, 0)[1] == signal.SIGTERM
        spans("after", 10)
        os.kill(1, signal.SIGTERM)
        time.sleep(0.5)
        os._exit(0)
        """,
        protocol=protocol,
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert arrived(40) == {"before": 10, "between": 10, "child": 10, "after": 10}


def test_the_first_process_loses_no_span_of_any_thread_to_sigterm(
    start_as_first_process: Start, arrived: Arrived
) -> None:
    running = start_as_first_process(
        """
        import os, signal, threading
        from tracing import *

        start(schedule_delay_millis=100)

        def work():
            for _ in range(100):
                spans("worked", 1)
                time.sleep(0.01)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            time.sleep(0.2)
            os.kill(1, signal.SIGTERM)
        for thread in threads:
            thread.join()
        """
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stderr) == (0, "")
    assert arrived(300) == {"worked": 300}


def test_the_first_process_keeps_what_no_receiver_takes_at_sigterm(
    start_as_first_process: Start, refused: str
) -> None:
    running = start_as_first_process(
        """
        import os, signal
        from tracing import *

        provider = start(schedule_delay_millis=60_000)
        spans("kept", 10)
        os.kill(1, signal.SIGTERM)
        time.sleep(0.5)
        native = provider._active_span_processor._span_processors[0]._native
        print(native.counts()["queued"] + native.counts()["in_flight"])
        os._exit(0)
        """,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": refused},
    )
    finished = running.finish()
    assert (finished.exit_code, finished.stdout) == (0, "10\n"), finished.stderr


def test_a_program_that_waits_for_sigterm_gets_it(start_program: Start, arrived: Arrived) -> None:
    running = start_program(
        """
        import signal
        from tracing import *

        start(schedule_delay_millis=60_000)
        # The worker and the thread for SIGTERM are there before the program blocks the signal.
        spans("before", 10)
        assert trace_provider().force_flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("ready", flush=True)
        print("got", signal.sigwait([signal.SIGTERM]) == signal.SIGTERM)
        spans("after", 10)
        """.replace("trace_provider()", "trace.get_tracer_provider()")
    )
    finished = terminate(running)
    assert (finished.exit_code, finished.stdout, finished.stderr) == (0, "ready\ngot True\n", "")
    assert arrived(20) == {"before": 10, "after": 10}


def test_a_program_that_begins_to_wait_for_sigterm_during_the_flush_lives_on_as_it_was(
    start_program: Start, black_hole: str
) -> None:
    running = start_program(
        """
        import os, signal
        from tracing import *

        start(schedule_delay_millis=60_000)
        spans("queued", 10)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("got", signal.sigwait([signal.SIGTERM]) == signal.SIGTERM, flush=True)
        time.sleep(0.5)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        say_now("again")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
        """,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": black_hole, "OXITEL_SIGTERM_FLUSH_TIMEOUT": "1000"},
    )
    finished = running.finish()
    assert finished.exit_code == -signal.SIGTERM
    assert "got True" in finished.stdout
    # The second signal was handled as the first one: it was not the default that killed.
    assert 0.9 < finished.end - finished.said("again") < 3.0


def test_sigterm_during_the_exit_has_the_rest_exported(
    start_program: Start, arrived: Arrived, collector: Any
) -> None:
    collector.script([{"do": "grpc_status", "code": "UNAVAILABLE", "delay": 0.5}])
    running = start_program(
        """
        import atexit
        from tracing import *

        start(schedule_delay_millis=60_000)
        spans("queued", 10)
        atexit.register(print, "ready", flush=True)
        """
    )
    running.wait_for_line("ready")
    time.sleep(0.2)
    running.signal(signal.SIGTERM)
    assert running.finish().exit_code == -signal.SIGTERM
    assert arrived(10) == {"queued": 10}
