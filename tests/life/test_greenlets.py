"""gevent and eventlet: greenlets share a thread, and still every span and record belongs to its own
request, and nothing stops them all."""

from __future__ import annotations

import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from life.conftest import PROGRAMS
from life.test_logs import records
from life.test_metrics_servers import wait_for_sum
from life.test_servers import port, requests

pytest.importorskip("gevent", reason="gevent is not installed")
pytest.importorskip("eventlet", reason="eventlet is not installed")

__all__ = ["port"]

Start = Callable[..., Any]
Run = Callable[..., Any]

ORDER, STOCK = "GET /orders/<int:number>", "GET /stock/<int:number>"
# What an order makes: the name of each span, and of its parent.
OF_AN_ORDER = Counter(
    {
        (ORDER, None): 1,
        ("thread", ORDER): 1,
        ("task", ORDER): 1,
        ("greenlet", ORDER): 2,
        ("greenlet", "greenlet"): 4,
        ("connect", ORDER): 1,
        ("select", ORDER): 1,
        ("GET", ORDER): 1,
        (STOCK, "GET"): 1,
        ("stock", STOCK): 1,
    }
)
# The spans that have a record of the same name.
RECORDED = {"thread": 1, "task": 1, "greenlet": 6, "stock": 1}

# Programs begin with one of these, before anything else is imported, or after Oxitel was.
PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
}


def times(counts: dict[Any, int], count: int) -> Counter[Any]:
    return Counter({key: number * count for key, number in counts.items()})


def orders(port: int, count: int) -> None:
    """The first order waits for the server to begin, the others come eight at a time."""
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/orders/{count}", timeout=60).close()
            break
        except urllib.error.URLError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)
    requests(port, count - 1)


def check(collector: Any, count: int) -> None:
    """Each order's spans are one trace, whole and with the right parents; so are its records."""
    collector.wait_for_count(OF_AN_ORDER.total() * count, 30)
    collector.wait_for_count(sum(RECORDED.values()) * count, 30, "logs")
    spans = collector.spans()
    by_id = {span["span_id"]: span for span in spans}
    assert len(by_id) == len(spans)
    found: Counter[tuple[str, str | None]] = Counter()
    for span in spans:
        parent = by_id[span["parent_span_id"]] if span["parent_span_id"] else None
        found[span["name"], parent["name"] if parent else None] += 1
        if parent is not None:
            assert parent["trace_id"] == span["trace_id"]
    assert found == times(OF_AN_ORDER, count)
    numbers: dict[str, set[int]] = {}
    for span in spans:
        if "number" in span["attributes"]:
            numbers.setdefault(span["trace_id"], set()).add(span["attributes"]["number"])
    assert len(numbers) == count
    assert all(len(of_trace) == 1 for of_trace in numbers.values())
    for record in records(collector):
        span = by_id[record["span_id"].removeprefix("0x")]
        assert record["body"]["string_value"] == span["name"]
        attributes = {pair["key"]: pair["value"] for pair in record["attributes"]}
        assert attributes["number"]["string_value"] == str(span["attributes"]["number"])
    bodies = Counter(record["body"]["string_value"] for record in records(collector))
    assert bodies == times(RECORDED, count)


@pytest.mark.fork
@pytest.mark.parametrize(
    ("protocol", "options"),
    [("grpc", ()), ("http", ("--preload", "--config", "python:gunicorn_gevent"))],
    ids=["each loads", "preload"],
)
def test_gunicorn_with_gevent_workers(
    protocol: str, options: tuple[str, ...], port: int, collector: Any, start_program: Start
) -> None:
    command = [
        *("-m", "gunicorn", "greenlets:application", "--bind", f"127.0.0.1:{port}"),
        *("--workers", "2", "--worker-class", "gevent", "--worker-connections", "100"),
        *("--log-level", "warning", "--graceful-timeout", "20", *options),
    ]
    server = start_program(command=command, protocol=protocol, env={"LIFE_GREENLETS": "gevent"})
    orders(port, 40)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=40)
    assert (finished.exit_code, finished.stderr) == (0, "")
    check(collector, 40)
    wait_for_sum(collector, 40)


def test_eventlets_server(port: int, collector: Any, start_program: Start) -> None:
    command = ["-W", "ignore", str(PROGRAMS / "eventlet_server.py"), str(port)]
    server = start_program(command=command, env={"LIFE_GREENLETS": "eventlet"})
    orders(port, 40)
    server.signal(signal.SIGTERM)
    finished = server.finish(timeout=40)
    assert (finished.exit_code, finished.stderr) == (0, "")
    check(collector, 40)
    wait_for_sum(collector, 40)


@pytest.mark.parametrize("library", PATCHES)
@pytest.mark.parametrize("when", ["before", "after"])
def test_greenlets_threads_and_tasks_have_the_parent_they_were_made_in(
    when: str, library: str, collector: Any, run: Run
) -> None:
    patch = PATCHES[library]
    run(
        f"""
        {patch if when == "before" else ""}
        from tracing import *
        from opentelemetry.instrumentation.threading import ThreadingInstrumentor

        ThreadingInstrumentor().instrument()
        start()
        {patch if when == "after" else ""}
        import gc, threading, weakref
        from concurrent.futures import ThreadPoolExecutor

        def work(owner, name="inside"):
            with span(name, owner=owner):
                time.sleep(0.002)

        if "{library}" == "gevent":
            import gevent, gevent.pool
            def spread(owner):
                group = gevent.pool.Pool(2)
                made = [
                    gevent.spawn(work, owner),
                    gevent.spawn_later(0.001, work, owner),
                    group.spawn(work, owner),
                ]
                gevent.joinall(made)
                list(group.imap_unordered(work, [owner] * 3))
                return made
            def together(calls):
                gevent.joinall([gevent.spawn(*call) for call in calls])
        else:
            def spread(owner):
                group = eventlet.GreenPool(2)
                made = [
                    eventlet.spawn(work, owner),
                    eventlet.spawn_after(0.001, work, owner),
                    group.spawn(work, owner),
                ]
                for greenlet in made:
                    greenlet.wait()
                list(group.imap(work, [owner] * 3))
                return made
            def together(calls):
                for greenlet in [eventlet.spawn(*call) for call in calls]:
                    greenlet.wait()

        pool = ThreadPoolExecutor(2)
        kept = []

        def request(owner):
            with span("request", owner=owner) as own:
                thread = threading.Thread(target=work, args=(owner,))
                thread.start()
                made = spread(owner)
                pool.submit(work, owner).result()
                thread.join()
            kept.append((weakref.ref(own), made, thread))

        together([(request, owner) for owner in range(20)])
        pool.submit(work, -1, "alone").result()
        time.sleep(0.01)
        gc.collect()
        assert [own() for own, *_ in kept] == [None] * 20
        pool.shutdown()
        """,
        silent=False,
    )
    spans = collector.wait_for(20 * 9 + 1)
    by_id = {span["span_id"]: span for span in spans}
    assert Counter(span["name"] for span in spans) == {"request": 20, "inside": 160, "alone": 1}
    for span in spans:
        if span["name"] == "inside":
            parent = by_id[span["parent_span_id"]]
            assert parent["name"] == "request"
            assert parent["attributes"]["owner"] == span["attributes"]["owner"]
        else:
            assert not span["parent_span_id"]


@pytest.mark.parametrize("library", PATCHES)
def test_records_that_are_handled_at_once_are_not_taken_for_nested_ones(
    library: str, collector: Any, run: Run
) -> None:
    finished = run(
        f"""
        {PATCHES[library]}
        import time
        from log_records import log, start

        start()

        class Slow:
            def __str__(self):
                time.sleep(0.01)
                return "slow"

        class Endless:
            def __str__(self):
                time.sleep(0.001)
                log.info("nested", extra={{"endless": Endless()}})
                return "endless"

        def work(number):
            log.info(Slow())
            log.info("record", extra={{"slow": Slow()}})
            log.info("outer", extra={{"endless": Endless()}})

        import threading
        threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
        silent=False,
    )
    collector.wait_for_count(20 * 5, 10, "logs")
    bodies = Counter(record["body"]["string_value"] for record in records(collector))
    expected = {"slow": 20, "record": 20, "outer": 20}
    assert {body: bodies[body] for body in expected} == expected
    # Three may be nested in another one; two where other greenlets are handling records.
    assert 20 * 2 <= bodies["nested"] <= 20 * 3
    assert "recursive logging" in finished.stderr


@pytest.mark.parametrize("library", PATCHES)
def test_other_greenlets_go_on_while_one_waits_for_an_export(
    library: str, black_hole: str, run: Run
) -> None:
    finished = run(
        f"""
        {PATCHES[library]}
        import threading
        from metering import start as start_metrics
        from tracing import *
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        batch = start(export_timeout_millis=300)
        simple = TracerProvider(shutdown_on_exit=False)
        simple.add_span_processor(SimpleSpanProcessor(exporter(timeout=1)))
        metrics = start_metrics(shutdown_on_exit=False)
        metrics.get_meter("m").create_counter("c").add(1)
        ticks, over = 0, False

        def tick():
            global ticks
            while not over:
                time.sleep(0.01)
                ticks += 1

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        spans("queued")

        def simple_span():
            with simple.get_tracer("simple").start_as_current_span("simple"):
                pass

        def metrics_flush():
            try:
                metrics.force_flush(500)
            except Exception as error:
                print(error)

        for wait in (lambda: batch.force_flush(500), simple_span, metrics_flush, batch.shutdown):
            before = ticks
            wait()
            assert ticks > before + 5, (wait, ticks - before)
        over = True
        thread.join()
        if "{library}" == "gevent":
            import gevent
            other = TracerProvider(shutdown_on_exit=False)
            other.add_span_processor(BatchSpanProcessor(exporter(timeout=30)))
            other.get_tracer("other").start_span("queued").end()
            begin = time.monotonic()
            try:
                with gevent.Timeout(0.1):
                    other.force_flush(20_000)
                raise AssertionError("it waited for the flush")
            except gevent.Timeout:
                print("broken off", time.monotonic() - begin < 15)
        """,
        silent=False,
        timeout=60,
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": black_hole,
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
            "OXITEL_SIGTERM_FLUSH_TIMEOUT": "0",
        },
    )
    assert library != "gevent" or "broken off True" in finished.stdout


@pytest.mark.parametrize("library", PATCHES)
def test_processors_and_exporters_in_python_may_switch_too(
    library: str, collector: Any, run: Run
) -> None:
    run(
        f"""
        {PATCHES[library]}
        import threading
        from tracing import *
        from opentelemetry.sdk.trace import SpanProcessor
        from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

        class Locked(SpanProcessor):
            lock = threading.Lock()

            def on_start(self, span, parent_context=None):
                with self.lock:
                    time.sleep(0.001)

            def on_end(self, span):
                with self.lock:
                    time.sleep(0.001)

        class Slow(SpanExporter):
            exported = 0

            def export(self, spans):
                time.sleep(0.01)
                self.exported += len(spans)
                return SpanExportResult.SUCCESS

        slow = Slow()
        provider = start(processors=[
            Locked(), BatchSpanProcessor(slow, schedule_delay_millis=20, max_export_batch_size=16)
        ])

        def work(owner):
            for _ in range(2):
                with span("outer", owner=owner), span("inner", owner=owner):
                    time.sleep(0.001)
            assert provider.force_flush(20_000)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert slow.exported == 80
        """,
        silent=False,
        timeout=60,
    )
    spans = collector.wait_for(80)
    by_id = {span["span_id"]: span for span in spans}
    for span in spans:
        if span["name"] == "inner":
            assert by_id[span["parent_span_id"]]["attributes"] == span["attributes"]
