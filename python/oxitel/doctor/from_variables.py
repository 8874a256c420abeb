"""Each signal's exporters as the variables choose them."""

from __future__ import annotations

from functools import partial
from importlib import metadata
from logging import getLogger
from typing import Any

from oxitel.export.headers import from_text
from oxitel.export.settings import default_endpoint
from oxitel.setup import plugins, selection
from oxitel.variables import otlp, zero_code

from . import advice
from .bounded import bounded
from .report import Report, describe
from .signal_export import (
    CHECK,
    SignalExport,
    captured,
    keep_secret_in_list,
    listening,
    masked_headers,
)
from .sources import DEFAULT, Setting, Sources

_OTLP = {"otlp_proto_grpc": "grpc", "otlp_proto_http": "http/protobuf"}


def configured(
    report: Report, sources: Sources, signal: str, timeout_seconds: float
) -> tuple[Setting, list[SignalExport]]:
    """The names of the signal's exporters, and those over OTLP."""
    # What `oxitel run` sets where nothing is set.
    chosen = sources.read(zero_code.EXPORTERS[signal], ("otlp",))
    exports: list[SignalExport] = []
    for name in dict.fromkeys(chosen.value):
        if name.lower() == "none":
            continue
        with captured():
            by_protocol = selection.with_protocol(name, signal)
        if by_protocol in _OTLP:
            protocol = sources.read_for(otlp.PROTOCOL, signal)
            if _OTLP[by_protocol] != protocol.value or name != "otlp":
                protocol = Setting(_OTLP[by_protocol], chosen.source, chosen.origin)
            export = SignalExport(signal, protocol, len(exports) + 1)
            exports.append(export)
            report.attempt(CHECK, _fill, report, sources, export, timeout_seconds)
        else:
            _check_exporter(report, signal, chosen, name)
    return chosen, exports


def _check_exporter(report: Report, signal: str, chosen: Setting, name: str) -> None:
    """Another exporter: it has to be there, and that is all that can be told."""
    group = plugins.EXPORTER_GROUPS[signal]
    known = plugins.names(group)
    if name not in known:
        report.find(
            "error",
            CHECK,
            f"{chosen.origin} names the exporter {name}, and no installed package has it",
            f"there are: {', '.join([*known, 'none'])}",
        )
        return
    for entry_point in metadata.entry_points(group=group, name=name):
        if entry_point.dist is not None and entry_point.dist.name != "oxitel":
            report.find(
                "note",
                CHECK,
                f"{signal.lower()} go to {name}, of {entry_point.dist.name}"
                f" {entry_point.dist.version}; whether that works cannot be told here",
            )


def _fill(report: Report, sources: Sources, export: SignalExport, timeout_seconds: float) -> None:
    signal, is_grpc = export.signal, export.protocol.value == "grpc"
    for key, variables in (
        ("timeout_seconds", otlp.TIMEOUT),
        ("compression", otlp.COMPRESSION),
        ("certificate", otlp.CERTIFICATE),
        ("client_certificate", otlp.CLIENT_CERTIFICATE),
        ("client_key", otlp.CLIENT_KEY),
        (
            "credential_provider",
            otlp.GRPC_CREDENTIAL_PROVIDER if is_grpc else otlp.HTTP_CREDENTIAL_PROVIDER,
        ),
    ):
        export.settings[key] = sources.read_for(variables, signal)
    export.settings["headers"] = _headers(report, sources, signal)
    listening(report, partial(_make, report, export, timeout_seconds), _is_unusable)
    endpoint = _endpoint(report, sources, signal, export.protocol.value)
    decided = endpoint
    if is_grpc and "://" not in endpoint.value:
        decided = sources.read_for(otlp.INSECURE, signal)
    export.settle(report, endpoint, decided)


def _make(report: Report, export: SignalExport, timeout_seconds: float) -> Any:
    """The exporter as the configurator makes it, None if that fails."""
    name = {value: key for key, value in _OTLP.items()}[export.protocol.value]
    try:
        cls = plugins.find(plugins.EXPORTER_GROUPS[export.signal], name)
        export.exporter = bounded(2 * timeout_seconds, cls)
    except Exception as error:
        report.find("error", CHECK, f"{export.name}: no exporter is made: {describe(error)}")
    return export.exporter


def _is_unusable(exporter: Any) -> bool:
    return exporter is None or (exporter._native is None and exporter._transport is None)


def _endpoint(report: Report, sources: Sources, signal: str, protocol: str) -> Setting:
    setting = sources.read_for(otlp.ENDPOINT, signal)
    path = f"v1/{signal.lower()}"
    if setting.source == DEFAULT:
        url = default_endpoint(protocol)
        return Setting(url if protocol == "grpc" else f"{url}/{path}", DEFAULT)
    if protocol == "grpc":
        return setting
    url = setting.value
    if otlp.ENDPOINT.by_signal[signal].text() is None:
        advice.check_base(report, setting)
        url = f"{url.removesuffix('/')}/{path}"
    if "://" not in url:
        url = f"http://{url}"
    return setting._replace(value=url)


def _headers(report: Report, sources: Sources, signal: str) -> Setting:
    setting = sources.read_for(otlp.HEADERS, signal)
    if not setting.value:
        return Setting({}, DEFAULT)
    keep_secret_in_list(report, setting.value)
    # What is wrong with them is found when the exporter is made.
    with captured():
        parsed = from_text(setting.value, "", getLogger(__name__))
    return setting._replace(value=masked_headers(report, parsed))
