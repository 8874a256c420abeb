"""Log records with values as no program means them: they contain themselves, have no end, or claim
any size."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

from collector.client import Collector


@pytest.fixture
def provider(collector: Collector) -> Iterator[LoggerProvider]:
    provider = LoggerProvider(shutdown_on_exit=False)
    exporter = OTLPLogExporter(endpoint=f"{collector.http_endpoint}/v1/logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    yield provider
    provider.shutdown()


def exported(provider: LoggerProvider, collector: Collector) -> list[dict[str, Any]]:
    """The log records that arrived, as the JSON form of OTLP has them."""
    assert provider.force_flush()
    return [
        record
        for request in collector.requests()
        for resource in request.decoded["resource_logs"]
        for scope in resource["scope_logs"]
        for record in scope["log_records"]
    ]


def plain(value: dict[str, Any]) -> Any:
    """An `AnyValue` in Python's types."""
    ((kind, inner),) = value.items()
    if kind == "array_value":
        return [plain(part) for part in inner.get("values", [])]
    if kind == "kvlist_value":
        return {entry["key"]: plain(entry["value"]) for entry in inner["values"]}
    return int(inner) if kind == "int_value" else inner


def tree() -> dict[str, Any]:
    """A value that contains itself along many paths."""
    root: dict[str, Any] = {"name": "root"}
    root["children"] = [{"parent": root} for _ in range(8)]
    return root


CUT = {"name": "root", "children": [{"parent": "…"}] * 8}


def test_a_record_whose_values_contain_themselves_arrives_without_their_repetition(
    provider: LoggerProvider, collector: Collector
) -> None:
    started = time.process_time()
    provider.get_logger("test").emit(body=tree(), attributes={"tree": tree()})
    logger = logging.getLogger("tests.hostile")
    handler = LoggingHandler(logger_provider=provider)
    logger.addHandler(handler)
    try:
        logger.warning("message", extra={"tree": tree()})
    finally:
        logger.removeHandler(handler)
    assert time.process_time() - started < 5
    emitted, logged = exported(provider, collector)
    assert plain(emitted["body"]) == CUT
    for record in (emitted, logged):
        attributes = {entry["key"]: plain(entry["value"]) for entry in record["attributes"]}
        assert attributes["tree"] == CUT


def test_a_body_that_cannot_be_encoded_and_means_a_very_large_text_is_left_out(
    provider: LoggerProvider, collector: Collector
) -> None:
    doubled: Any = 2**70
    for _ in range(31):
        doubled = [doubled, doubled]
    started = time.process_time()
    provider.get_logger("test").emit(body=doubled)
    assert time.process_time() - started < 5
    (record,) = exported(provider, collector)
    assert record["body"] == {"string_value": "…"}


class Lying(Mapping[str, Any]):
    """A mapping that claims to be large, and has one entry or no end."""

    def __init__(self, keys: Iterator[str]) -> None:
        self.keys_left = keys

    def __len__(self) -> int:
        return 2**62

    def __getitem__(self, key: str) -> Any:
        return 1

    def __iter__(self) -> Iterator[str]:
        return self.keys_left


def test_what_a_mapping_claims_or_gives_without_end_does_no_harm(
    provider: LoggerProvider, collector: Collector
) -> None:
    logger = provider.get_logger("test")
    logger.emit(body=Lying(iter(["a"])), attributes=Lying(iter(["a"])))
    logger.emit(body="endless", attributes=Lying(map(str, itertools.count())))
    one, endless = exported(provider, collector)
    assert plain(one["body"]) == {"a": 1}
    assert [entry["key"] for entry in one["attributes"]] == ["a"]
    assert len(endless["attributes"]) == 128
