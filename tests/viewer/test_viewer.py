"""The viewer as exporters and people meet it: the built program, the official exporters, and
senders that mean it no good."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

import viewer_sample as sample

REPOSITORY = Path(__file__).resolve().parents[2]
BODY_LIMIT = 16 * 1024 * 1024
PROTOBUF = "application/x-protobuf"

# One ResourceSpans with one ScopeSpans with one Span of trace 01…, id 02…, name "x".
SPAN = b"\x0a\x10" + b"\x01" * 16 + b"\x12\x08" + b"\x02" * 8 + b"\x2a\x01x"
SCOPE_SPANS = b"\x12" + bytes([len(SPAN)]) + SPAN
RESOURCE_SPANS = b"\x12" + bytes([len(SCOPE_SPANS)]) + SCOPE_SPANS
REQUEST = b"\x0a" + bytes([len(RESOURCE_SPANS)]) + RESOURCE_SPANS

SENDER = """
import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

protocol, endpoint, compression = sys.argv[1:]
if protocol == "grpc":
    import grpc
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    chosen = {"none": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip,
              "deflate": grpc.Compression.Deflate}[compression]
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True, compression=chosen)
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    chosen = {"none": Compression.NoCompression, "gzip": Compression.Gzip,
              "deflate": Compression.Deflate}[compression]
    exporter = OTLPSpanExporter(endpoint=endpoint + "/v1/traces", compression=chosen)

provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=4096))
tracer = provider.get_tracer("sender")
for number in range(1000):
    with tracer.start_as_current_span("serve", kind=SpanKind.SERVER) as span:
        span.set_attribute("customer.id", f"c-{number}")
        with tracer.start_as_current_span("work") as inner:
            inner.add_event("half done", {"step": 1})
try:
    with tracer.start_as_current_span("fail"):
        raise ValueError("no such order")
except ValueError:
    pass
provider.shutdown()
"""


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_everything_the_official_exporters_send_is_counted_and_shown(
    viewer: Any, run_program: Callable[..., Any], protocol: str, compression: str
) -> None:
    port = viewer.grpc_port if protocol == "grpc" else viewer.http_port
    result = run_program(
        SENDER,
        "official",
        arguments=(protocol, f"http://127.0.0.1:{port}", compression),
        check=True,
    )
    assert result.stderr == ""
    totals = viewer.ask("/api/totals")
    counts = {"spans": 2001, "errors": 1, "log_records": 0, "data_points": 0}
    assert totals["services"] == {"shop": counts}
    assert totals["traces"]["records"] == totals["kept_spans"] == 2001
    assert totals["duplicate_spans"] == totals["refused_requests"] == 0

    assert "✗ ValueError: no such order" in viewer.show("failed")
    served = viewer.ask("/api/traces?q=name%3Dserve&limit=1")["data"][0]
    assert served["spans"] == 2
    drawn = viewer.show(served["trace_id"])
    assert "shop ◀ serve" in drawn
    assert "└─ • work" in drawn
    assert "◆ half done" in drawn
    assert "customer.id=c-999" in drawn


ALL_SIGNALS_SENDER = """
import logging, sys

from opentelemetry._logs import set_logger_provider
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

protocol, endpoint = sys.argv[1:3]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    options = [dict(endpoint=endpoint, insecure=True)] * 3
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    options = [dict(endpoint=f"{endpoint}/v1/{signal}") for signal in ("traces", "logs", "metrics")]

resource = Resource.create({"service.name": "shop"})
tracers = TracerProvider(resource=resource)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**options[0])))
loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(**options[1])))
meters = MeterProvider(
    [PeriodicExportingMetricReader(OTLPMetricExporter(**options[2]), 3_600_000)],
    resource,
    views=[View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation())],
)
logging.getLogger().addHandler(LoggingHandler(logger_provider=loggers))
logging.getLogger().setLevel(logging.INFO)
logger, tracer = logging.getLogger("shop"), tracers.get_tracer("shop")
meter = meters.get_meter("shop")
requests = meter.create_counter("requests", unit="{request}", description="Requests answered")
duration = meter.create_histogram("duration", unit="ms")
size = meter.create_histogram("size", unit="By")
open_orders = meter.create_up_down_counter("orders.open")
meter.create_observable_gauge("heat", [lambda options: [Observation(36.6)]], unit="Cel")

logger.info("no span here")
for round in range(2):
    for number in range(1, 101):
        requests.add(1, {"http.status_code": 200 if number % 10 else 500})
        duration.record(number, {"http.route": "/"})
        size.record(number * 1024.0)
        open_orders.add(1 if number % 2 else -1, {"kind": number % 3})
    meters.force_flush()
with tracer.start_as_current_span("serve") as span:
    logger.info("taken by %s", "Ada", extra={"order.id": "o-1"})
    with tracer.start_as_current_span("work"):
        try:
            raise ValueError("no such order")
        except ValueError:
            logger.exception("refused")
for provider in (tracers, loggers, meters):
    provider.shutdown()
print(format(span.get_span_context().trace_id, "032x"), format(span.context.span_id, "016x"))
"""


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("implementation", ["official", "oxitel"])
def test_metrics_and_logs_are_kept_and_shown(
    viewer: Any,
    run_program: Callable[..., Any],
    implementation: str,
    protocol: str,
    temporality: str,
) -> None:
    port = viewer.grpc_port if protocol == "grpc" else viewer.http_port
    for _process in range(2):
        result = run_program(
            ALL_SIGNALS_SENDER,
            implementation,
            {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality},
            arguments=(protocol, f"http://127.0.0.1:{port}"),
            check=True,
        )
        # From CPython 3.12 on the official handler complains as `logging` shuts down.
        assert result.stderr == "" or implementation == "official"
    trace_id, span_id = result.stdout.split()
    totals = viewer.ask("/api/totals")
    assert totals["services"]["shop"]["log_records"] == totals["logs"]["records"] == 6
    assert totals["services"]["shop"]["data_points"] == totals["metrics"]["records"] > 0
    assert totals["dropped_data_points"] == totals["dropped_log_records"] == 0

    records = viewer.ask(f"/api/traces/{trace_id}/logs")["data"]
    assert [(it["severity"], it["body"]["value"]) for it in records] == [
        ("info", "taken by Ada"),
        ("error", "refused"),
    ]
    assert [it["row"] for it in records] == [0, 1]
    assert records[0]["span_id"] == span_id
    order = {"key": "order.id", "type": "string", "value": "o-1"}
    assert order in records[0]["attributes"]
    drawn = viewer.show(trace_id, "--width", "100").splitlines()
    info = next(line for line in drawn if "INFO  taken by Ada" in line)
    assert "order.id=o-1" in info
    assert info.endswith(span_id)
    assert any("ERROR refused  ValueError: no such order" in line for line in drawn)

    metrics = {it["name"]: it for it in viewer.ask("/api/metrics/now?service=shop")["data"]}
    assert metrics["requests"]["value"] == 400
    assert metrics["requests"]["rate_per_second"] > 0
    failed = [
        it["value"]
        for it in metrics["requests"]["series"]
        if {"key": "http.status_code", "type": "int", "value": "500"} in it["attributes"]
    ]
    assert failed == [20, 20]
    assert metrics["orders.open"]["value"] == 0
    assert {it["value"] for it in metrics["heat"]["series"]} == {36.6}
    for name, unit in [("duration", 1), ("size", 1024)]:
        found = metrics[name]
        assert (found["count"], found["min"], found["max"]) == (400, unit, 100 * unit)
        assert found["sum"] == 4 * 5050 * unit
        for quantile in (50, 95, 99):
            assert found[f"p{quantile}"] == pytest.approx(quantile * unit, rel=0.05)

    table = viewer.run("metrics", "--width", "100").splitlines()
    rows = {line.split()[0]: line.split() for line in table if line}
    assert "2 instances" in table[0]
    assert rows["requests"][1:3] == ["(request)", "400"]
    assert rows["duration"][1] == rows["size"][1] == "400"
    assert rows["size"][-1].strip("▁▂▃▄▅▆▇█") == ""
    assert rows["heat"][1:] == ["(Cel)", "36.6", "…", "36.6", "2", "series"]
    assert viewer.run("metrics", "nobody").strip() == "no metrics were received"


def test_bodies_may_be_compressed_in_every_way_exporters_know(viewer: Any) -> None:
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    assert viewer.send(REQUEST) == 200
    assert viewer.send(gzip.compress(REQUEST), content_encoding="gzip") == 200
    assert viewer.send(zlib.compress(REQUEST), content_encoding="deflate") == 200
    assert viewer.send(raw.compress(REQUEST) + raw.flush(), content_encoding="deflate") == 200
    # A zstd frame with one raw block: magic, single segment with a one-byte size, block header.
    size = len(REQUEST)
    frame = b"\x28\xb5\x2f\xfd\x20" + bytes([size]) + (size << 3 | 1).to_bytes(3, "little")
    assert viewer.send(frame + REQUEST, content_encoding="zstd") == 200
    totals = viewer.ask("/api/totals")
    assert totals["traces"]["records"] == 5
    assert totals["duplicate_spans"] == 4


def test_bodies_beyond_the_limit_are_refused_however_they_are_packed(viewer: Any) -> None:
    bomb = gzip.compress(bytes(BODY_LIMIT * 4))
    assert len(bomb) < BODY_LIMIT / 100
    assert viewer.send(bomb, content_encoding="gzip") == 413
    with contextlib.suppress(ConnectionError):
        # The server may close before it has read all that it will not take.
        assert viewer.send(bytes(BODY_LIMIT + 1)) == 413
    totals = viewer.ask("/api/totals")
    assert totals["refused_requests"] == 2
    assert totals["traces"]["records"] == 0


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "/v1/traces", {"content_type": PROTOBUF}, b"\xff" * 100, 400),
        ("POST", "/v1/traces", {"content_type": PROTOBUF}, REQUEST[:-1], 400),
        ("POST", "/v1/traces", {"content_type": "application/json"}, b"{", 400),
        ("POST", "/v1/traces", {"content_type": "text/plain"}, REQUEST, 415),
        ("POST", "/v1/traces", {}, REQUEST, 415),
        ("POST", "/v1/traces", {"content_type": PROTOBUF, "content_encoding": "br"}, b"", 415),
        ("POST", "/v1/traces", {"content_type": PROTOBUF, "content_encoding": "gzip"}, b"x", 400),
        ("POST", "/v1/traces", {"content_type": PROTOBUF, "content_encoding": "zstd"}, b"x", 400),
        ("GET", "/v1/traces", {"content_type": PROTOBUF}, None, 405),
        ("POST", "/v1/unknown", {"content_type": PROTOBUF}, REQUEST, 404),
        ("GET", "/api/waterfall?trace=%00%ff&width=-1", {}, None, 400),
        ("GET", "/api/waterfall?trace=latest", {}, None, 404),
        ("POST", "/api/totals", {}, b"", 405),
        ("GET", "/api/totals", {"host": "rebound.example"}, None, 403),
    ],
)
def test_what_is_not_understood_is_refused_with_a_reason(
    viewer: Any,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes | None,
    status: int,
) -> None:
    answered, reason = viewer.request(method, path, body, **headers)
    assert answered == status
    assert len(reason) > 10
    assert viewer.ask("/api/totals")["traces"]["records"] == 0


def test_a_deeply_nested_attribute_is_refused_not_followed(viewer: Any) -> None:
    value = b"\x08\x01"
    for _ in range(5000):  # an array within an array within …
        inner = b"\x0a" + _varint(len(value)) + value
        value = b"\x2a" + _varint(len(inner)) + inner
    attribute = b"\x0a\x01k\x12" + _varint(len(value)) + value
    body = SPAN + b"\x4a" + _varint(len(attribute)) + attribute
    for tag in (b"\x12", b"\x12", b"\x0a"):
        body = tag + _varint(len(body)) + body
    assert viewer.send(body) == 400
    assert viewer.send(REQUEST) == 200


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


def test_connections_that_send_garbage_or_nothing_disturb_nobody(viewer: Any) -> None:
    address = ("127.0.0.1", viewer.grpc_port)
    with contextlib.ExitStack() as idle:
        for _ in range(50):
            idle.enter_context(socket.create_connection(address))
        for port in (viewer.grpc_port, viewer.http_port):
            for garbage in (
                b"\x00" * 64,
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 512,
                b"POST /v1/traces HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n",
                b"GET /api/totals HTTP/1.1\r\n" + b"a: b\r\n" * 10000,
            ):
                _send_and_read_to_the_end(port, garbage)
        assert viewer.send(REQUEST) == 200
    assert viewer.process.poll() is None


def _send_and_read_to_the_end(port: int, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except TimeoutError:
            raise
        except OSError:
            pass  # the viewer hung up first, which is a good answer


HOSTILE_CALLS = """
import sys

import grpc

service = "/opentelemetry.proto.collector.trace.v1.TraceService/"
limit = 16 * 1024 * 1024
options = [("grpc.max_send_message_length", -1)]
channel = grpc.insecure_channel(sys.argv[1], options=options)
for method, body, compression in [
    ("Export", b"\\xff" * 100, grpc.Compression.NoCompression),
    ("Export", bytes(limit + 1), grpc.Compression.NoCompression),
    ("Export", bytes(limit * 4), grpc.Compression.Gzip),
    ("Import", b"", grpc.Compression.NoCompression),
    ("Export", b"", grpc.Compression.NoCompression),
]:
    call = channel.unary_unary(service + method)
    try:
        call(body, timeout=30, compression=compression)
        print("OK")
    except grpc.RpcError as error:
        print(error.code().name, error.details())
"""


def test_hostile_calls_over_grpc_are_refused_with_a_reason(
    viewer: Any, run_program: Callable[..., Any]
) -> None:
    address = f"127.0.0.1:{viewer.grpc_port}"
    result = run_program(HOSTILE_CALLS, "official", arguments=(address,), check=True)
    codes = [line.split()[0] for line in result.stdout.splitlines()]
    too_large = ["OUT_OF_RANGE", "RESOURCE_EXHAUSTED"]
    assert codes == ["INTERNAL", *too_large, "UNIMPLEMENTED", "OK"], result.stdout
    totals = viewer.ask("/api/totals")
    assert (totals["refused_requests"], totals["traces"]["requests"]) == (3, 1)


def test_old_traces_make_room_and_the_counts_stay(start_viewer: Callable[..., Any]) -> None:
    viewer = start_viewer("--max-disk", "1MiB")
    # Spans that do not compress, so that there are soon too many.
    for number in range(1, 41):
        span = SPAN[:-3] + b"\x2a\x80\x80\x04" + os.urandom(65536).hex().encode()[:65536]
        span = span.replace(b"\x01" * 16, bytes([number]) * 16)
        body = span
        for tag in (b"\x12", b"\x12", b"\x0a"):
            body = tag + _varint(len(body)) + body
        assert viewer.send(body) == 200
    totals = viewer.ask("/api/totals")
    assert totals["traces"]["records"] == 40
    assert totals["kept_spans"] + totals["dropped_spans"] == 40
    assert totals["dropped_spans"] > 5
    status = viewer.ask("/api/status")
    assert status["store"]["bytes"] < 2 * 1024 * 1024
    told = status["dropped"][0]
    assert (told["signal"], told["reason"], told["count"]) == (
        "traces",
        "room",
        totals["dropped_spans"],
    )


def test_the_drawing_follows_the_terminal(viewer: Any) -> None:
    assert viewer.send(REQUEST) == 200
    assert "\x1b[" not in viewer.show()
    assert "\x1b[" in viewer.show("--color", "always")
    assert viewer.show(LC_ALL="C").isascii()
    widths = [max(map(len, viewer.show(COLUMNS=columns).splitlines())) for columns in ("80", "120")]
    assert widths == [80, 120]


def test_it_says_where_it_listens_and_ends_with_the_totals(viewer: Any) -> None:
    assert viewer.send(REQUEST) == 200
    output = viewer.stop()
    assert f"gRPC at 127.0.0.1:{viewer.grpc_port}" in output
    assert "1 span in 1 request" in output
    assert viewer.process.returncode == 0


def test_a_port_in_use_is_named(viewer: Any) -> None:
    address = f"127.0.0.1:{viewer.grpc_port}"
    result = subprocess.run(
        [viewer.program, "receive", "--grpc-address", address],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith(f"oxitel-viewer: cannot listen at {address}: ")


def test_every_file_that_the_page_names_is_part_of_the_viewer(viewer: Any) -> None:
    files = _files_of_the_page(viewer)
    assert {"/assets/page.mjs", "/assets/waterfall.mjs", "/assets/vendor/preact.mjs"} <= set(files)
    types = {"mjs": "text/javascript", "js": "text/javascript", "css": "text/css"}
    types |= {"svg": "image/svg+xml", "/": "text/html"}
    for path, (_, headers) in files.items():
        assert headers["content-type"].startswith(types[path.rpartition(".")[2]]), path
        assert "script-src 'self';" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path


def test_every_address_of_the_page_answers_the_same_document(viewer: Any) -> None:
    addresses = ("/", "/traces/latest?span=1", "/logs?q=x", "/metrics", "/health", "/of/nobody")
    assert len({_get(viewer, address)[0] for address in addresses}) == 1


def test_nothing_in_the_page_makes_markup_or_programs_of_texts(viewer: Any) -> None:
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|javascript:"
    )
    for path, (content, _) in _files_of_the_page(viewer).items():
        if path == "/":
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", content)
        elif "/vendor/" not in path:
            assert not re.search(sinks, content), path


def _files_of_the_page(viewer: Any) -> dict[str, tuple[str, dict[str, str]]]:
    """Every file that the document leads to, with the headers it came with."""
    named = r"""(?:\bsrc=|<link[^>]*\bhref=|\bfrom ?|\bimport ?|url\()["']([./][^"'\s]+)["']"""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    wanted = ["/"]
    while wanted:
        path = wanted.pop()
        if path not in found:
            found[path] = _get(viewer, path)
            wanted += [urljoin(path, name) for name in re.findall(named, found[path][0])]
    return found


def _get(viewer: Any, path: str) -> tuple[str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", viewer.http_port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        content = response.read().decode()
        assert response.status == 200, (path, content)
        return content, {name.lower(): value for name, value in response.getheaders()}


def test_show_waits_for_what_is_about_to_come(viewer: Any, official_python: Path) -> None:
    """One trace of which the second span comes half a second after the first."""
    program = """
import sys, time
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1])))
time.sleep(1)
with provider.get_tracer("late").start_as_current_span("outer"):
    with provider.get_tracer("late").start_as_current_span("inner"):
        pass
    time.sleep(0.5)
"""
    url = f"http://127.0.0.1:{viewer.http_port}/v1/traces"
    sender = subprocess.Popen([official_python, "-c", program, url])
    drawn = viewer.show("--wait", "--compact")
    assert sender.wait(60) == 0
    assert "outer" in drawn
    assert "inner" in drawn


def send_order(viewer: Any, trace: int, name: str, status: int = 0, age: float = 0) -> None:
    start = time.time_ns() - int(age * 1e9)
    made = sample.span(trace, 1, name, 20, start=start, status={"code": status})
    body = sample.traces([made])
    status_code, answer = viewer.request(
        "POST", "/v1/traces", body, content_type="application/json"
    )
    assert status_code == 200, answer


@pytest.mark.parametrize("which", ["latest", "failed"])
def test_show_does_not_take_what_was_there_before_for_what_is_about_to_come(
    viewer: Any, which: str
) -> None:
    send_order(viewer, 1, "of before", status=2)
    # Exporters send after a while, of which the one of before has been here all the time.
    about_to_come = threading.Timer(2.5, send_order, (viewer, 2, "about to come", 2))
    about_to_come.start()
    drawn = viewer.show(which, "--wait", "--compact")
    about_to_come.join()
    assert "about to come" in drawn


def test_show_waits_for_one_of_those_that_are_meant(viewer: Any) -> None:
    send_order(viewer, 1, "failed long ago", status=2, age=600)
    send_order(viewer, 2, "went well")
    about_to_come = threading.Timer(2.5, send_order, (viewer, 3, "failed now", 2))
    about_to_come.start()
    drawn = viewer.show("failed", "--wait", "--compact")
    about_to_come.join()
    assert "failed now" in drawn


def test_show_draws_what_was_there_before_where_nothing_comes(viewer: Any) -> None:
    send_order(viewer, 1, "of before")
    assert "of before" in viewer.show("--wait", "--compact")


def test_health_tells_of_a_buffer_on_disk_and_of_what_it_gave_up(viewer: Any) -> None:
    point = {"timeUnixNano": str(time.time_ns()), "asInt": "7", "attributes": []}
    dropped = point | {"attributes": sample.attributes(error__type="expired")}
    metrics = [
        {
            "name": f"oxitel.buffer.span.{name}",
            "sum": {"dataPoints": [it], "aggregationTemporality": 2, "isMonotonic": name != "kept"},
        }
        for name, it in (("kept", point), ("dropped", dropped))
    ]
    scopes = [{"scope": {"name": "oxitel"}, "metrics": metrics}]
    parts = [{"resource": sample.resource("shop"), "scopeMetrics": scopes}]
    body = json.dumps({"resourceMetrics": parts}).encode()
    assert viewer.request("POST", "/v1/metrics", body, content_type="application/json")[0] == 200
    health = viewer.ask("/api/health")
    assert {it["name"]: it["value"] for it in health["sdk"]} == {
        "oxitel.buffer.span.kept": 7,
        "oxitel.buffer.span.dropped": 7,
    }
    lost = [it for it in health["data"] if it["rule"] == "dropped-by-sdk"]
    assert [it["count"] for it in lost] == [7]
