"""The pytest plugin as its users meet it: test runs of their own, in processes of their own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a file of tests, and says how it ended."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)

    def run(source: str, *options: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=textwrap.dedent(source))
        for name, text in files.items():
            pytester.makepyfile(**{name: textwrap.dedent(text)})
        return pytester.runpytest_subprocess(*options, timeout=300)

    return run


APP = """
import logging

from opentelemetry import metrics, trace

tracer = trace.get_tracer("shop", "1.0")
orders = metrics.get_meter("shop").create_counter("shop.orders")
sizes = metrics.get_meter("shop").create_histogram("shop.size")
log = logging.getLogger("shop")


def order(outcome="taken", queries=1):
    with tracer.start_as_current_span("POST /orders", kind=trace.SpanKind.SERVER) as span:
        span.set_attribute("http.route", "/orders")
        for number in range(queries):
            attributes = {"db.query.text": f"SELECT stock  FROM items WHERE id = {number}"}
            with tracer.start_as_current_span(
                "SELECT items", kind=trace.SpanKind.CLIENT, attributes=attributes
            ):
                pass
        log.warning("order %s", outcome)
        orders.add(1, {"outcome": outcome})
        sizes.record(7)
        if outcome == "refused":
            raise ValueError("sold out")
"""


def test_nothing_is_imported_before_the_fixture_is_used(run: Run) -> None:
    result = run(
        """
        import sys

        def test_one():
            heavy = [name for name in sys.modules if name.startswith(
                ("oxitel._native", "oxitel.trace", "opentelemetry", "http.server"))]
            assert heavy == []

        def test_two(pytestconfig):
            assert pytestconfig.pluginmanager.has_plugin("oxitel")
        """
    )
    result.assert_outcomes(passed=2)


def test_spans_logs_and_metrics_are_those_of_the_test(run: Run) -> None:
    result = run(
        """
        import app, pytest

        def test_first(telemetry):
            app.order()
            span = telemetry.one("POST /orders", kind="server", attributes={"http.route": ...})
            assert span.trace_id == telemetry.one("SELECT*").trace_id
            assert telemetry.one("SELECT*").parent_span_id == span.span_id
            record = telemetry.assert_logged("WARN", "order taken")
            assert record.span_id == span.span_id and record.severity == "warn"
            assert telemetry.assert_metric("shop.orders", 1, attributes={"outcome": "taken"}) == 1
            [size] = telemetry.find_metrics("shop.size")
            assert (size.count, size.sum, size.kind) == (1, 7, "histogram")
            telemetry.assert_no_errors()

        def test_second_begins_anew(telemetry):
            assert telemetry.spans == telemetry.logs == []
            assert [it for it in telemetry.metrics if it.value] == []
            with pytest.raises(ValueError):
                app.order("refused", queries=5)
            telemetry.assert_metric("shop.orders", 1)
            assert telemetry.one(status="error").exception == "ValueError: sold out"
            with pytest.raises(AssertionError, match="sold out"):
                telemetry.assert_no_errors()
            telemetry.assert_calls("SELECT stock FROM*", exactly=5)
            with pytest.raises(AssertionError, match="5 calls of .*, at most 3"):
                telemetry.assert_calls("select*", at_most=3)
            telemetry.assert_duration("POST /orders", at_most="1m")
            with pytest.raises(AssertionError, match="at most 1ns"):
                telemetry.assert_duration("POST /orders", at_most="1ns")

        def test_without_it_nothing_is_recorded():
            from opentelemetry import trace
            app.order()
            assert not app.tracer.start_span("x").is_recording()
        """,
        app=APP,
    )
    result.assert_outcomes(passed=3)


def test_a_failing_test_shows_the_waterfall(run: Run) -> None:
    result = run(
        """
        import app

        def test_it(telemetry):
            app.order(queries=9)
            telemetry.one("GET /orders")

        def test_plain(telemetry):
            app.order()
            assert len(telemetry.spans) == 17
        """,
        app=APP,
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*0 × span 'GET /orders', not one; there are: POST /orders, SELECT items*",
            "*- telemetry -*",
            "|████████████████████████|*POST /orders (server)*",
            "*WARN order taken*",
            "*SELECT items (client)*",
            "*… 5 more like SELECT items*",
        ]
    )
    assert result.stdout.str().count("- telemetry -") == 2
    # Of the plugin's own code nothing is shown.
    assert "def one(" not in result.stdout.str()


PROVIDERS = {
    "ours, set before": """
        from oxitel.trace.provider import TracerProvider
        trace.set_tracer_provider(TracerProvider())
    """,
    "official path, set before": """
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider())
    """,
    "none": "",
}


@pytest.mark.parametrize("before", PROVIDERS.values(), ids=PROVIDERS)
def test_whatever_provider_is_set_stays_and_is_listened_to(run: Run, before: str) -> None:
    conftest = "from opentelemetry import trace\n" + textwrap.dedent(before)
    result = run(
        """
        from opentelemetry import trace

        before = trace._TRACER_PROVIDER

        def test_it(telemetry):
            with trace.get_tracer("x").start_as_current_span("a"):
                pass
            assert telemetry.one("a")
            if before is not None:
                assert trace.get_tracer_provider() is before

        def test_it_is_as_it_was():
            assert trace._TRACER_PROVIDER is before
            if before is not None:
                assert before._active_span_processor._span_processors == ()
        """,
        conftest=conftest,
    )
    result.assert_outcomes(passed=2)


def test_the_official_sdk_is_listened_to_as_well(
    run: Run, official_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [packages] = official_python.parents[1].glob("lib/python*/site-packages")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    result = run(
        """
        import app, pytest
        from opentelemetry import _logs, metrics, trace
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.trace import TracerProvider

        trace.set_tracer_provider(TracerProvider())
        metrics.set_meter_provider(MeterProvider())
        _logs.set_logger_provider(LoggerProvider())

        @pytest.mark.parametrize("time", [1, 2])
        def test_it(telemetry, time):
            assert TracerProvider.__module__ == "opentelemetry.sdk.trace"
            app.order()
            span = telemetry.one("POST /orders", kind="server")
            assert telemetry.one("SELECT*").parent_span_id == span.span_id
            telemetry.assert_metric("shop.orders", 1)
            assert telemetry.assert_logged("warn", "order taken").span_id == span.span_id
        """,
        app=APP,
    )
    result.assert_outcomes(passed=2)


def test_a_provider_that_the_program_sets_during_the_test_wins_and_is_listened_to(
    run: Run,
) -> None:
    result = run(
        """
        import logging
        import app
        from opentelemetry import _logs, metrics, trace
        from oxitel.logs.provider import LoggerProvider
        from oxitel.metrics.provider import MeterProvider
        from oxitel.trace.export import InMemorySpanExporter, SimpleSpanProcessor
        from oxitel.trace.provider import TracerProvider

        def test_before(telemetry):
            app.order()
            assert telemetry.one("POST /orders")

        def test_during(telemetry, caplog):
            # Whatever its tracer was bound to by the test before.
            exporter, provider = InMemorySpanExporter(), TracerProvider()
            provider.add_span_processor(SimpleSpanProcessor(exporter))
            trace.set_tracer_provider(provider)
            metrics.set_meter_provider(MeterProvider())
            _logs.set_logger_provider(LoggerProvider())
            assert trace.get_tracer_provider() is provider
            assert "Overriding" not in caplog.text
            app.order()
            assert telemetry.one("POST /orders")
            telemetry.assert_metric("shop.orders", 1)
            telemetry.assert_logged("warn", "order taken")
            assert len(exporter.get_finished_spans()) == 2

        def test_after(telemetry):
            app.order()
            telemetry.assert_metric("shop.orders", 1)
            assert len(telemetry.find("POST /orders")) == 1
            assert len(telemetry.find_logs("warn")) == 1
        """,
        app=APP,
    )
    result.assert_outcomes(passed=3)


def test_threads_and_child_processes_are_included(run: Run) -> None:
    result = run(
        """
        import subprocess, sys, threading
        import app, pytest

        def test_threads(telemetry):
            threads = [threading.Thread(target=app.order) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(telemetry.find("POST /orders")) == 3

        def test_child(telemetry):
            subprocess.run([sys.executable, "-m", "oxitel", "run", "--service-name", "child",
                            sys.executable, "child.py"], check=True)
            spans = telemetry.wait_for("POST /orders", timeout=60)
            assert [span.service for span in spans] == ["child"]
            assert spans[0].attributes == {"http.route": "/orders"} and spans[0].kind == "server"
            telemetry.wait_for(lambda it: it.find_logs("warn", "order taken"), timeout=60)
            telemetry.wait_for(lambda it: it.find_metrics("shop.orders"), timeout=60)
            telemetry.assert_metric("shop.orders", 1)
            [size] = telemetry.find_metrics("shop.size")
            assert (size.count, size.sum, size.value) == (1, 7, 7)

        def test_late_arrivals_are_not_the_next_tests(telemetry):
            assert telemetry.spans == []
            with pytest.raises(AssertionError, match="0 × span 'x', not 1, after 0.1 s"):
                telemetry.wait_for("x", timeout=0.1)
        """,
        app=APP,
        child="import app\napp.order()\n",
    )
    result.assert_outcomes(passed=3)


@pytest.mark.fork
def test_a_fork_is_included(run: Run) -> None:
    result = run(
        """
        import os
        import app

        def test_fork(telemetry):
            app.order()
            child = os.fork()
            if child == 0:
                app.order("forked")
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            telemetry.wait_for("POST /orders", count=2, timeout=30)
            telemetry.wait_for(lambda it: it.find_logs("warn", "order forked"), timeout=30)
        """,
        "-W",
        "ignore::DeprecationWarning",
        app=APP,
    )
    result.assert_outcomes(passed=1)


def test_an_sdk_that_is_set_up_from_the_environment_is_not_counted_twice(run: Run) -> None:
    result = run(
        """
        import logging
        import app
        from opentelemetry import _logs, metrics, trace
        from oxitel.setup.components import initialize_components

        def test_it(telemetry, monkeypatch):
            for signal in ("TRACES", "METRICS", "LOGS"):
                monkeypatch.setenv(f"OTEL_{signal}_EXPORTER", "otlp")
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
            initialize_components()
            app.order()
            for provider in (trace.get_tracer_provider(), metrics.get_meter_provider(),
                             _logs.get_logger_provider()):
                assert provider.force_flush()
            assert len(telemetry.find("POST /orders")) == 1
            assert len(telemetry.find_logs(body="order taken")) == 1
            telemetry.assert_metric("shop.orders", 1)
        """,
        app=APP,
    )
    result.assert_outcomes(passed=1)


STRUCTURED = """
import app, pytest

def test_it(telemetry):
    app.order(queries={queries})
    telemetry.matches("orders", attributes=("http.route",))
"""


def test_the_structure_is_compared_with_a_file(run: Run, pytester: pytest.Pytester) -> None:
    missing = run(STRUCTURED.format(queries=3), app=APP)
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(["*orders.txt does not exist: pytest --oxitel-update writes it*"])
    run(STRUCTURED.format(queries=3), "--oxitel-update", app=APP).assert_outcomes(passed=1)
    written = (pytester.path / "__telemetry__" / "orders.txt").read_text()
    assert written == "POST /orders [server] http.route='/orders'\n  SELECT items [client] ×3\n"
    run(STRUCTURED.format(queries=3), app=APP).assert_outcomes(passed=1)
    other = run(STRUCTURED.format(queries=20), app=APP)
    other.assert_outcomes(failed=1)
    other.stdout.fnmatch_lines(["*-  SELECT items ?client? ×3", "*+  SELECT items ?client? ×20"])


def test_workers_of_xdist_see_each_their_own(run: Run) -> None:
    result = run(
        """
        import subprocess, sys
        import app, pytest

        @pytest.mark.parametrize("number", range(12))
        def test_it(telemetry, number):
            app.order(queries=number)
            telemetry.assert_calls("select*", exactly=number)
            telemetry.assert_metric("shop.orders", 1)
            if number % 6 == 0:
                subprocess.run([sys.executable, "-m", "oxitel", "run", sys.executable, "child.py"],
                               check=True)
                telemetry.wait_for("POST /orders", count=2, timeout=60)
            assert len(telemetry.find("POST /orders")) == (2 if number % 6 == 0 else 1)
        """,
        "-n",
        "2",
        app=APP,
        child="import app\napp.order()\n",
    )
    result.assert_outcomes(passed=12)


def test_what_is_wrong_with_an_argument_is_said(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.parametrize("wrong, told", [
            (lambda it: it.find_logs("wran"), "'wran' is no severity"),
            (lambda it: it.assert_duration("x", at_most="5 parsecs"), "no duration"),
            (lambda it: it.matches("../x"), "no name of a file"),
        ])
        def test_it(telemetry, wrong, told):
            with pytest.raises(ValueError, match=told):
                wrong(telemetry)

        def test_a_disabled_sdk_is_named(monkeypatch, request):
            from opentelemetry import trace
            trace.set_tracer_provider(trace.NoOpTracerProvider())
            telemetry = request.getfixturevalue("telemetry")
            with pytest.raises(AssertionError, match="NoOpTracerProvider.*OTEL_SDK_DISABLED"):
                telemetry.one("x")
        """
    )
    result.assert_outcomes(passed=4)


FAULTS = """
import pytest
import app
from opentelemetry import trace


def test_good(telemetry):
    app.order()
    telemetry.assert_healthy()


def test_an_error(telemetry):
    with pytest.raises(ValueError):
        app.order("refused")
    telemetry.assert_healthy(allowed_errors="POST *")
    app.log.error("disk full")
    with pytest.raises(AssertionError, match="ERROR: disk full|error: disk full"):
        telemetry.assert_healthy(allowed_errors=["POST *"])
    telemetry.assert_healthy(allowed_errors=["POST *", "disk *"])
    with pytest.raises(AssertionError, match="failed: POST /orders: ValueError: sold out"):
        telemetry.assert_healthy()


def test_an_open_span(telemetry):
    span = app.tracer.start_span("left open")
    with pytest.raises(AssertionError, match="not ended: left open"):
        telemetry.assert_healthy()
    span.end()
    telemetry.assert_healthy()


def test_an_orphan(telemetry):
    far = trace.SpanContext(0xABC, 0xDEF, True, trace.TraceFlags(1))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(far))
    app.tracer.start_span("orphan", context=parent).end()
    with pytest.raises(AssertionError, match="without its parent: orphan .parent 0000000000000def"):
        telemetry.assert_healthy()
    telemetry.assert_healthy(remote_parents=True)


@pytest.fixture
def outside():
    with app.tracer.start_as_current_span("outside"):
        yield


def test_a_parent_from_before_the_test_is_no_fault(outside, telemetry):
    app.order()
    telemetry.assert_healthy()
"""


def test_what_is_not_healthy_is_named(run: Run) -> None:
    run(FAULTS, app=APP).assert_outcomes(passed=5)


def test_what_is_not_healthy_is_named_of_the_official_sdk(
    run: Run, official_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [packages] = official_python.parents[1].glob("lib/python*/site-packages")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    conftest = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        assert TracerProvider.__module__ == "opentelemetry.sdk.trace"
        trace.set_tracer_provider(TracerProvider())
    """
    run(FAULTS, app=APP, conftest=conftest).assert_outcomes(passed=5)


def test_the_marker_records_and_checks_without_an_argument(run: Run) -> None:
    result = run(
        """
        import app, pytest

        @pytest.mark.oxitel(max_spans=3)
        def test_few():
            app.order(queries=2)

        @pytest.mark.oxitel(max_spans=3)
        def test_many():
            app.order(queries=9)

        @pytest.mark.oxitel(healthy=True)
        class TestOfAClass:
            def test_well(self):
                app.order()

            def test_open(self):
                app.tracer.start_span("left open")

            def test_allowed(self):
                app.log.error("disk full")

            test_allowed = pytest.mark.oxitel(healthy=True, allowed_errors="disk *")(
                test_allowed)

        @pytest.mark.oxitel(healthy=True)
        def test_that_fails_by_itself():
            app.tracer.start_span("left open")
            assert 1 == 2

        @pytest.mark.oxitel(max_span=3)
        def test_misspelt():
            pass

        @pytest.mark.oxitel(max_spans="3")
        def test_of_the_wrong_type():
            pass
        """,
        "--strict-markers",
        app=APP,
    )
    result.assert_outcomes(passed=3, failed=3, errors=2)
    result.stdout.fnmatch_lines_random(
        [
            "*AssertionError: 10 spans, at most 3:",
            "*  9× SELECT items",
            "*  not ended: left open",
            "*assert 1 == 2",
            "*does not take max_span=3; it takes healthy, allowed_errors, remote_parents, *",
            "*does not take max_spans='3'; it takes *",
        ]
    )
    assert result.stdout.str().count("- telemetry -") == 3


def test_spans_of_every_test_are_shown_where_that_is_asked_for(run: Run) -> None:
    source = """
        import app, unittest

        def test_fails():
            app.order()
            assert 1 == 2

        def test_passes():
            app.order()

        class Test(unittest.TestCase):
            def test_as_well(self):
                app.order()
                self.fail()
    """
    result = run(source, "--oxitel-spans", app=APP)
    result.assert_outcomes(passed=1, failed=2)
    assert result.stdout.str().count("POST /orders (server)") == 2
    result = run(source, "--oxitel-spans", "-rP", app=APP)
    assert result.stdout.str().count("POST /orders (server)") == 3
    assert "- telemetry -" not in run(source, app=APP).stdout.str()


def test_children_may_send_over_grpc(run: Run) -> None:
    pytest.importorskip("grpc")
    result = run(
        """
        import os, subprocess, sys
        import pytest

        def start(telemetry, **more):
            environment = {**os.environ, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", **more}
            subprocess.run([sys.executable, "-m", "oxitel", "run", "--service-name", "child",
                            sys.executable, "child.py"], check=True, env=environment)

        def test_child(telemetry):
            start(telemetry)
            [span] = telemetry.wait_for("POST /orders", timeout=60)
            assert (span.service, span.kind) == ("child", "server")
            telemetry.wait_for(lambda it: it.find_logs("warn", "order taken"), timeout=60)
            telemetry.wait_for(lambda it: it.find_metrics("shop.orders"), timeout=60)

        def test_with_headers_of_its_own(telemetry):
            start(telemetry, OTEL_EXPORTER_OTLP_HEADERS="authorization=x")
            telemetry.wait_for("POST /orders", timeout=60)
            assert len(telemetry.find("POST /orders")) == 1
        """,
        app=APP,
        child="import app\napp.order()\n",
    )
    result.assert_outcomes(passed=2)


def test_that_grpc_cannot_be_taken_is_said(run: Run) -> None:
    result = run(
        """
        import socket, sys

        def test_it(telemetry, monkeypatch):
            monkeypatch.setitem(sys.modules, "grpc", None)
            port = int(telemetry.address.split(":")[2].split("/")[0])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n")
                assert client.recv(1) == b""
            telemetry.one("POST /orders")
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a child process sent over gRPC, which takes grpcio *"])
