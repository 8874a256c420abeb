"""The receiving end of all vendors: answers as each one's does, keeps bytes, counts them later.

Controlled as ../receiver.py is. `count` says, of what has arrived since the last reset: `requests`
that were recorded (server spans or transactions), the `spans` of which there are more, `metrics`
(data points or sets of them), and how many calls and bytes it took.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))

from receiver import Control, HttpConnection, Store, decompress, parse_core, serve

# What logfire wants to know of its token.
ANSWERS = {"/v1/info": {"project_name": "shop", "project_url": "http://localhost/shop"}}


class Intake(HttpConnection):
    content_type = "application/json"

    def answer(self, path: str, encoding: str, body: bytes) -> bytes:
        path = path.partition("?")[0]
        if path.startswith("/v1/") and body:
            self.content_type = "application/x-protobuf"
            self.store.keep(path, encoding, body)
            return b""
        self.content_type = "application/json"
        if body:
            self.store.keep(path, encoding, body)
        return json.dumps(ANSWERS.get(path, {})).encode()


class Counted(Store):
    def count(self) -> dict[str, int]:
        counts = dict.fromkeys(("requests", "spans", "metrics", "calls", "bytes"), 0)
        for path, encoding, body in self.requests:
            counts["calls"] += 1
            counts["bytes"] += len(body)
            for what in kinds(path, decompress(encoding, body)):
                counts[what] += 1
        return counts


def kinds(path: str, body: bytes) -> Iterator[str]:
    """`spans` for each span, `requests` too for one that stands for a request, `metrics`."""
    match path.strip("/").split("/"):
        case ["v1", "traces"]:
            yield from otlp_spans(body)
        case ["v1", "metrics"]:
            yield from otlp_points(body)
        case ["v0.4", "traces"]:
            for trace in unpacked(body):
                for span in trace:
                    yield from datadog_span(span.get("meta", {}))
        case ["v0.5", "traces"]:
            texts, traces = unpacked(body)
            for trace in traces:
                for span in trace:
                    tags = {texts[key]: texts[value] for key, value in span[9].items()}
                    yield from datadog_span(tags)
        case ["api", _, "envelope"]:
            yield from sentry_items(body)
        case ["intake", "v2", "events"]:
            for line in body.splitlines():
                (what,) = json.loads(line)
                yield from {
                    "transaction": ("requests", "spans"),
                    "span": ("spans",),
                    "metricset": ("metrics",),
                }.get(what, ())


def unpacked(body: bytes) -> Any:
    import msgpack

    return msgpack.unpackb(body, strict_map_key=False)


def otlp_spans(body: bytes) -> Iterator[str]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield "spans"
                # logfire announces a span before it has ended, by another one.
                is_announced = any(
                    one.key == "logfire.span_type" and one.value.string_value == "pending_span"
                    for one in span.attributes
                )
                if span.kind == span.SPAN_KIND_SERVER and not is_announced:
                    yield "requests"


def otlp_points(body: bytes) -> Iterator[str]:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

    for resource_metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                for _ in getattr(metric, metric.WhichOneof("data")).data_points:
                    yield "metrics"


def datadog_span(tags: dict[str, str]) -> Iterator[str]:
    yield "spans"
    if tags.get("span.kind") == "server":
        yield "requests"


def sentry_items(body: bytes) -> Iterator[str]:
    """The envelope's header is a line; then each item has a line that tells its kind and length."""
    rest: Any = body.partition(b"\n")[2]
    while rest:
        line, _, rest = rest.partition(b"\n")
        header = json.loads(line)
        length = header.get("length", rest.find(b"\n"))
        item, rest = rest[:length], rest[length + 1 :]
        if header["type"] == "transaction":
            yield "requests"
            for _ in ("the request's own", *json.loads(item)["spans"]):
                yield "spans"


def main() -> None:
    parse_core()
    Intake.store = Control.store = Counted()
    print(json.dumps({"http": serve(Intake), "control": serve(Control)}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
