"""Exporters of all signals: OTLP over HTTP, gRPC and Kafka, to the console, and other packages';
and the settings of what batches for them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from oxitel.export.headers import from_text
from oxitel.export.http import Compression
from oxitel.export.otlp import compression_name
from oxitel.export.settings import default_endpoint
from oxitel.export.signal import Signal
from oxitel.quantity import seconds_of
from oxitel.setup import plugins
from oxitel.variables import otlp as variables
from oxitel.variables.variable import reading

from .section import Section, logger

# Zero means no limit; this is as good as none.
_NO_LIMIT_SECONDS = 1e9
_NO_LIMIT_MILLIS = 1000 * _NO_LIMIT_SECONDS
_BATCH_SIZE = 512


def make_exporter(section: Section, key: str, signal: Signal, **arguments: Any) -> Any:
    """The exporter that the section's `key` chooses, None if it cannot be made, which is said.

    `arguments` are for ours: what a signal's exporters have besides.
    """
    holder = section.section(key)
    if holder is None:
        section.say(key, "missing; nothing is exported here")
        return None
    chosen = holder.only()
    if chosen is None:
        return None
    name, settings = chosen
    with settings.going_on("this exporter"):
        return _make(name, settings, signal, arguments)
    return None


def _make(name: str, settings: Section, signal: Signal, arguments: dict[str, Any]) -> Any:
    group = plugins.EXPORTER_GROUPS[signal.variables]
    if name == "otlp_http":
        return _otlp_http(plugins.find(group, "otlp_proto_http"), settings, signal, arguments)
    if name == "otlp_grpc":
        return _otlp_grpc(plugins.find(group, "otlp_proto_grpc"), settings, signal, arguments)
    if name == "otlp_kafka":
        return _otlp_kafka(plugins.find(group, name), settings, arguments)
    if name == "console":
        arguments.pop("max_export_batch_size", None)
        return plugins.find(group, "console")(**arguments)
    if name == "otlp_file/development":
        return _otlp_file(settings, signal, arguments)
    try:
        exporter = plugins.find(group, name)
    except LookupError:
        settings.messages.say(settings.path, "no installed package has this exporter")
        return None
    return exporter(**settings.rest())


def _otlp_http(
    exporter: Callable[..., Any], section: Section, signal: Signal, arguments: dict[str, Any]
) -> Any:
    encoding = section.choice("encoding", ("protobuf", "json"))
    if encoding == "json":
        section.say("encoding", "json is not supported; protobuf is used")
    compression = _compression(section)
    tls = section.section("tls")
    default = f"{default_endpoint('http/protobuf')}/{signal.http_path}"
    return exporter(
        endpoint=section.text("endpoint") or default,
        certificate_file=tls and tls.text("ca_file"),
        client_key_file=tls and tls.text("key_file"),
        client_certificate_file=tls and tls.text("cert_file"),
        headers=_headers(section),
        timeout=_timeout(section),
        compression=Compression(compression),
        **arguments,
    )


def _otlp_grpc(
    exporter: Callable[..., Any], section: Section, signal: Signal, arguments: dict[str, Any]
) -> Any:
    tls = section.section("tls")
    # The official class has no arguments for these, only variables.
    files = {
        variables.CERTIFICATE.general.name: tls and tls.text("ca_file"),
        variables.CLIENT_KEY.general.name: tls and tls.text("key_file"),
        variables.CLIENT_CERTIFICATE.general.name: tls and tls.text("cert_file"),
    }
    with reading({name: file for name, file in files.items() if file}):
        return exporter(
            endpoint=section.text("endpoint") or default_endpoint("grpc"),
            insecure=tls and tls.flag("insecure"),
            headers=_headers(section),
            timeout=_timeout(section),
            compression=_compression(section),
            **arguments,
        )


def _otlp_kafka(exporter: Callable[..., Any], section: Section, arguments: dict[str, Any]) -> Any:
    properties = {}
    for pair in section.sections("configuration"):
        name, value = pair.text("name"), pair.text("value")
        if name is None:
            pair.say("name", "missing; the property is left out")
        else:
            properties[name] = value or ""
    return exporter(
        brokers=section.text("brokers"),
        topic=section.text("topic"),
        configuration=properties,
        timeout=_timeout(section) if section.has("timeout") else None,
        **arguments,
    )


def _otlp_file(section: Section, signal: Signal, arguments: dict[str, Any]) -> Any:
    """OTLP as lines of JSON, by the official package for it."""
    stream = section.text("output_stream") or "stdout"
    module, name = {
        "TRACES": ("trace_exporter", "FileSpanExporter"),
        "METRICS": ("metric_exporter", "FileMetricExporter"),
        "LOGS": ("_log_exporter", "FileLogExporter"),
    }[signal.variables]
    path = stream.removeprefix("file://")
    if stream != "stdout" and not (stream.startswith("file:///") and not path.endswith("/")):
        section.say("output_stream", f"has to be stdout or file:///…, not {stream!r}")
        return None
    try:
        exporter = getattr(import_module(f"opentelemetry.exporter.otlp.json.file.{module}"), name)
    except ImportError:
        section.messages.say(
            section.path, "needs the package opentelemetry-exporter-otlp-json-file"
        )
        return None
    arguments.pop("max_export_batch_size", None)
    return exporter(**arguments) if stream == "stdout" else exporter(path, **arguments)


def _headers(section: Section) -> dict[str, str]:
    """Those of `headers_list`, and over them those of `headers`."""
    path = f"{section.messages.name}: {section.path_of('headers_list')}"
    headers = from_text(section.text("headers_list") or "", path, logger)
    for pair in section.sections("headers"):
        name, value = pair.text("name"), pair.text("value")
        if name is None:
            pair.say("name", "missing; the header is left out")
        else:
            # HTTP/2, and so gRPC, has no upper case in names.
            headers[name.lower()] = value or ""
    return headers


def _timeout(section: Section) -> float:
    """Seconds."""
    millis = section.integer("timeout", 0)
    if millis is None:
        return variables.DEFAULT_TIMEOUT_SECONDS
    return seconds_of(millis) or _NO_LIMIT_SECONDS


def _compression(section: Section) -> str:
    text = section.text("compression") or "none"
    try:
        return compression_name(text)
    except ValueError:
        section.say("compression", f"has to be none, gzip, deflate or zstd, not {text!r}; none")
        return "none"


def no_limit_if_zero(millis: int | None) -> float | None:
    """A time limit of the file, where zero means none."""
    return _NO_LIMIT_MILLIS if millis == 0 else millis


def batch_arguments(section: Section) -> dict[str, Any]:
    """The settings of a batch processor, by the names of the arguments."""
    queue_size = section.integer("max_queue_size", 1)
    batch_size = section.integer("max_export_batch_size", 1)
    delay = section.integer("schedule_delay", 0)
    if queue_size is not None and (batch_size or _BATCH_SIZE) > queue_size:
        if batch_size is not None:
            section.say(
                "max_export_batch_size",
                f"{batch_size} is more than max_queue_size; {queue_size} is used",
            )
        batch_size = queue_size
    return {
        "max_queue_size": queue_size,
        "max_export_batch_size": batch_size,
        # As soon as there is something.
        "schedule_delay_millis": 1 if delay == 0 else delay,
        "export_timeout_millis": no_limit_if_zero(section.integer("export_timeout", 0)),
    }
