"""For each signal: the exporter, its settings and their sources, and whether telemetry arrives."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import metadata
from typing import Any

from oxitel.configuration import configurator, otlp
from oxitel.configuration.proxy import proxy_for
from oxitel.configurator import plugins, selection

from . import advice, clock
from .bounded import bounded, side_by_side
from .connection import Step, connect
from .export import Answer, probe
from .peek import heard
from .report import MASK, Report, describe
from .sources import DEFAULT, Setting, Sources
from .target import Target, shown_url, target_of

_CHECK = "export"
_OTLP = {"otlp_proto_grpc": "grpc", "otlp_proto_http": "http/protobuf"}
_NOT_UNDERSTOOD = ("broken", "timed out")
_PORTS = {"grpc": 4317, "http/protobuf": 4318}
# Headers that say where telemetry goes, and let nobody in.
_HARMLESS_HEADERS = frozenset(
    ("x-scope-orgid", "x-honeycomb-dataset", "stream-name", "organization", "content-type")
)


class SignalExport:
    """What is known of one signal's exporter over OTLP."""

    def __init__(self, signal: str, protocol: Setting) -> None:
        self.signal = signal
        self.name = signal.lower()
        self.protocol = protocol
        self.settings: dict[str, Setting] = {"protocol": protocol}
        self.exporter: Any = None
        self.target: Target | None = None
        self.answer: Answer | None = None
        self.heard: str | None = None
        """What the receiver speaks, where it did not understand the exporter."""


def check(report: Report, sources: Sources, timeout_seconds: float, connects: bool) -> None:
    """Look at the signals' settings, then connect to where they go, unless told not to."""
    report.facts["signals"] = {}
    exports = []
    for signal in otlp.SIGNALS:
        export = report.attempt(_CHECK, _configured, report, sources, signal, timeout_seconds)
        if export is not None:
            exports.append(export)
    report.facts["connections"] = []
    if not any(facts.get("exporters", True) for facts in report.facts["signals"].values()):
        report.find(
            "warning",
            _CHECK,
            "nothing is exported: the exporter of every signal is none",
            "set OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER or OTEL_LOGS_EXPORTER to otlp",
        )
    if connects and exports:
        _connect_all(report, exports, timeout_seconds)
        report.attempt("clock", clock.check, report, [export.answer for export in exports])


def _configured(
    report: Report, sources: Sources, signal: str, timeout_seconds: float
) -> SignalExport | None:
    """The exporter over OTLP that the signal has, if it has one."""
    # What `oxitel run` sets where nothing is set.
    chosen = sources.read(configurator.EXPORTERS[signal], ("otlp",))
    names = [name for name in dict.fromkeys(chosen.value) if name.lower() != "none"]
    facts: dict[str, Any] = {"exporters": list(names)}
    settings = {"exporters": Setting(list(chosen.value), chosen.source, chosen.origin)}
    report.facts["signals"][signal.lower()] = facts
    export = None
    for name in names:
        by_protocol = selection.with_protocol(name, signal)
        if by_protocol in _OTLP:
            export = _export(report, sources, signal, chosen, name, timeout_seconds)
            settings.update(export.settings)
        else:
            _check_exporter(report, signal, chosen, name)
    facts["settings"] = {name: setting.as_facts() for name, setting in settings.items()}
    return export


def _check_exporter(report: Report, signal: str, chosen: Setting, name: str) -> None:
    """Another exporter: it has to be there, and that is all that can be told."""
    group = plugins.EXPORTER_GROUPS[signal]
    known = plugins.names(group)
    if name not in known:
        report.find(
            "error",
            _CHECK,
            f"{chosen.origin} names the exporter {name}, and no installed package has it",
            f"there are: {', '.join([*known, 'none'])}",
        )
        return
    for entry_point in metadata.entry_points(group=group, name=name):
        if entry_point.dist is not None and entry_point.dist.name != "oxitel":
            report.find(
                "note",
                _CHECK,
                f"{signal.lower()} go to {name}, of {entry_point.dist.name}"
                f" {entry_point.dist.version}; whether that works cannot be told here",
            )


def _export(
    report: Report,
    sources: Sources,
    signal: str,
    chosen: Setting,
    name: str,
    timeout_seconds: float,
) -> SignalExport:
    protocol = sources.read_for(otlp.PROTOCOL, signal)
    by_protocol = _OTLP[selection.with_protocol(name, signal)]
    if by_protocol != protocol.value or name != "otlp":
        protocol = Setting(by_protocol, chosen.source, chosen.origin)
    export = SignalExport(signal, protocol)
    for key, variables in (
        ("timeout_seconds", otlp.TIMEOUT),
        ("compression", otlp.COMPRESSION),
        ("certificate", otlp.CERTIFICATE),
        ("client_certificate", otlp.CLIENT_CERTIFICATE),
        ("client_key", otlp.CLIENT_KEY),
        (
            "credential_provider",
            otlp.GRPC_CREDENTIAL_PROVIDER
            if by_protocol == "grpc"
            else otlp.HTTP_CREDENTIAL_PROVIDER,
        ),
    ):
        export.settings[key] = sources.read_for(variables, signal)
    endpoint = _endpoint(report, sources, signal, by_protocol)
    export.settings["endpoint"] = endpoint._replace(value=shown_url(endpoint.value, report.secrets))
    export.settings["headers"] = _headers(report, sources, signal)
    _make(report, export, timeout_seconds)
    is_insecure = bool(getattr(export.exporter, "_insecure", False))
    try:
        target = target_of(endpoint.value, by_protocol, is_insecure)
    except ValueError:
        # The exporter has said so.
        return export
    decided = endpoint
    if by_protocol == "grpc" and "://" not in endpoint.value:
        decided = sources.read_for(otlp.INSECURE, signal)
    export.settings["tls"] = Setting(target.is_tls, decided.source, decided.origin)
    if target.unix_path is None and by_protocol != "grpc":
        proxy = proxy_for(endpoint.value)
        if proxy is not None:
            target = target._replace(proxy=proxy)
            shown = shown_url(proxy, report.secrets)
            export.settings["proxy"] = Setting(shown, "variable", _proxy_variable(target))
    if target.is_tls:
        target = target._replace(
            **{
                key: export.settings[key].value
                for key in ("certificate", "client_certificate", "client_key")
            }
        )
    export.target = target
    advice.check_endpoint(report, export.name, by_protocol, endpoint, target)
    return export


def _endpoint(report: Report, sources: Sources, signal: str, protocol: str) -> Setting:
    setting = sources.read_for(otlp.ENDPOINT, signal)
    path = f"v1/{signal.lower()}"
    if setting.source == DEFAULT:
        url = f"http://localhost:{_PORTS[protocol]}"
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
    """The headers, their values masked: but for a scheme such as Bearer, and their length."""
    setting = sources.read_for(otlp.HEADERS, signal)
    if not setting.value:
        return Setting({}, DEFAULT)
    from urllib.parse import unquote

    from opentelemetry.util.re import parse_env_headers

    for part in setting.value.split(","):
        key, equals, value = part.partition("=")
        if key.strip().lower() not in _HARMLESS_HEADERS:
            # What has no equals sign may be anything; it is printed in no message.
            secret = value if equals else key
            for text in (secret, unquote(secret), *unquote(secret).split()):
                if text.lower() not in ("bearer", "basic"):
                    report.secrets.add(text)
    with _captured():
        parsed = parse_env_headers(setting.value, liberal=True)
    shown = {}
    for key, value in parsed.items():
        scheme, space, rest = value.partition(" ")
        if key in _HARMLESS_HEADERS:
            shown[key] = value
        elif space:
            shown[key] = f"{scheme} {MASK} ({len(rest)} characters)"
        else:
            shown[key] = f"{MASK} ({len(value)} characters)"
    return setting._replace(value=shown)


class _Collecting(logging.Handler):
    """Keeps warnings and errors."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.WARNING)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@contextmanager
def _captured() -> Iterator[list[logging.LogRecord]]:
    """What is logged meanwhile, instead of printing it."""
    records: list[logging.LogRecord] = []
    handler = _Collecting(records)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield records
    finally:
        root.removeHandler(handler)


def _make(report: Report, export: SignalExport, timeout_seconds: float) -> None:
    """The exporter as the configurator makes it; what it says goes into the findings."""
    name = {value: key for key, value in _OTLP.items()}[export.protocol.value]
    with _captured() as records:
        try:
            cls = plugins.find(plugins.EXPORTER_GROUPS[export.signal], name)
            export.exporter = bounded(2 * timeout_seconds, cls)
        except Exception as error:
            report.find("error", _CHECK, f"{export.name}: no exporter is made: {describe(error)}")
    is_unusable = export.exporter is not None and (
        export.exporter._native is None and export.exporter._transport is None
    )
    wrong = {entry["name"] for entry in report.facts.get("variables", {}).get("wrong", ())}
    for record in records:
        text = " ".join(record.getMessage().split())
        if not any(text.startswith(f"Invalid value for {name}:") for name in wrong):
            is_error = is_unusable and record.levelno >= logging.ERROR
            report.find("error" if is_error else "warning", _CHECK, text, advice.for_log(text))


def _proxy_variable(target: Target) -> str:
    return "HTTPS_PROXY or ALL_PROXY" if target.is_tls else "HTTP_PROXY or ALL_PROXY"


def _connect_all(report: Report, exports: list[SignalExport], timeout_seconds: float) -> None:
    targets: dict[Target, list[SignalExport]] = {}
    for export in exports:
        if export.target is not None and export.exporter is not None:
            targets.setdefault(export.target, []).append(export)
    steps: dict[Target, list[Step]] = {}

    def follow(target: Target) -> None:
        found = report.attempt(_CHECK, connect, target, timeout_seconds)
        steps[target] = [] if found is None else found

    def send(export: SignalExport) -> None:
        export.answer = report.attempt(_CHECK, probe, export.exporter, timeout_seconds)
        target, answer = export.target, export.answer
        if target is not None and answer is not None and answer.outcome in _NOT_UNDERSTOOD:
            export.heard = report.attempt(_CHECK, heard, target, timeout_seconds)

    side_by_side(partial(follow, target) for target in targets)
    # Where a handshake of ours fails, the exporter's own may still work.
    reached = [
        export
        for target, members in targets.items()
        if all(step.grade != "error" or step.name == "tls" for step in steps[target])
        for export in members
    ]
    side_by_side(partial(send, export) for export in reached)
    for target, members in targets.items():
        _report_connection(report, target, members, steps[target])
    refused_by_us = {
        export.name
        for target, members in targets.items()
        if any(step.grade == "error" for step in steps[target])
        for export in members
    }
    advice.report_answers(report, exports, refused_by_us)


def _report_connection(
    report: Report, target: Target, members: list[SignalExport], steps: list[Step]
) -> None:
    arrives = any(member.answer is not None and member.answer.is_accepted for member in members)
    names = ", ".join(member.name for member in members)
    facts = []
    for step in steps:
        if step.grade == "error" and arrives:
            # OpenSSL is stricter than the exporter, or trusts others.
            step = step._replace(grade="note", advice="")
        facts.append(step.as_facts())
        if step.grade != "ok":
            report.find(step.grade, _CHECK, f"{names}: {step.text}", step.advice)
    report.facts["connections"].append(
        {
            "address": target.address,
            "signals": [member.name for member in members],
            "steps": facts,
        }
    )
    for member in members:
        signal = report.facts["signals"][member.name]
        if member.answer is not None:
            signal["answer"] = member.answer.as_facts()
        elif any(step.grade == "error" for step in steps):
            signal["answer"] = {"outcome": "not tried", "grade": "error"}
