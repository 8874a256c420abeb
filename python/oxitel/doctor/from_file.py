"""What the configuration file says: the settings, and each signal's exporters.

The parts are made as the configurator makes them, but for providers: nothing is started. Unknown
keys are looked for in `file_keys`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from oxitel.export import signal as signals
from oxitel.export.settings import default_endpoint
from oxitel.setup.file.document import Unusable, read, text_of
from oxitel.setup.file.section import Messages, Section
from oxitel.variables.sdk import SERVICE_NAME
from oxitel.variables.variable import reading
from oxitel.variables.zero_code import CONFIG_FILE

from .bounded import bounded
from .report import Report, describe
from .signal_export import (
    CHECK,
    HARMLESS_HEADERS,
    SignalExport,
    captured,
    keep_secret_in_list,
    listening,
    masked_headers,
)
from .sources import DEFAULT, FILE, Setting
from .variables import names_that_are_set

_PROVIDERS = {
    "TRACES": ("tracer_provider", "processors", signals.TRACES),
    "METRICS": ("meter_provider", "readers", signals.METRICS),
    "LOGS": ("logger_provider", "processors", signals.LOGS),
}
_PROTOCOLS = {"otlp_grpc": "grpc", "otlp_http": "http/protobuf"}
_OWN_HEADERS = ("content-type", "user-agent")
_PATIENCE_SECONDS = 10.0


def check(report: Report, path: str) -> dict[str, Setting]:
    """The settings for the whole process. A file that cannot be used is an error."""
    try:
        text = text_of(path)
        root = Section(read(path, text), "", Messages(path))
    except Unusable as error:
        report.find(
            "error",
            "settings",
            f"{path} cannot be used, so that nothing is set up: {error}",
            f"correct the file, or unset {CONFIG_FILE.name}",
        )
        return {}
    ignored = [
        name
        for name in names_that_are_set()
        if name != CONFIG_FILE.name and not name.startswith("OTEL_PYTHON_") and name not in text
    ]
    if ignored:
        report.find(
            "note",
            "settings",
            f"{CONFIG_FILE.name} is set and does not name {', '.join(ignored)}, which therefore"
            f" {'has' if len(ignored) == 1 else 'have'} no effect",
            "write ${NAME} in the file where a variable is to count",
        )
    settings = {}
    if root.flag("disabled"):
        report.find(
            "warning", "settings", f"{path} has disabled: true: nothing is recorded or exported"
        )
        settings["disabled"] = Setting(True, FILE, path)
    settings.update(bounded(_PATIENCE_SECONDS, _in_file, _settings, report, root, path))
    return settings


def _in_file(function: Any, *arguments: Any) -> Any:
    """`function` with the variables as the configurator lets the file's parts see them."""
    service_name = SERVICE_NAME.text()
    variables = {} if service_name is None else {SERVICE_NAME.name: service_name}
    with reading(variables):
        return function(*arguments)


def _settings(report: Report, root: Section, path: str) -> dict[str, Setting]:
    from oxitel.setup.file.resource import make_resource
    from oxitel.setup.file.samplers import make_sampler
    from oxitel.trace.sampling import DEFAULT_ON

    section = root.section("resource")
    resource = listening(report, partial(make_resource, section), lambda _: False)
    name = str(resource.attributes["service.name"])
    source = (DEFAULT, "") if name.startswith("unknown_service") else (FILE, path)
    if source[0] == DEFAULT:
        report.find(
            "warning",
            "settings",
            f"the service has no name; it will be found as {name}",
            f"name it in {path}: resource.attributes",
        )
    settings = {"service_name": Setting(name, *source)}
    provider = root.section("tracer_provider")
    sampler = provider and listening(
        report, partial(make_sampler, provider, "sampler", None), lambda _: False
    )
    settings["sampler"] = (
        Setting(sampler.get_description(), FILE, path)
        if sampler
        else Setting(DEFAULT_ON.get_description(), DEFAULT)
    )
    settings["propagators"] = Setting(list(_propagators(root)), FILE, path)
    if not settings["propagators"].value:
        report.find(
            "warning", "settings", "no propagator is in use, so that traces end at this process"
        )
    return settings


def _propagators(root: Section) -> Iterator[str]:
    section = root.section("propagator")
    if section is None:
        return
    for entry in section.sections("composite"):
        chosen = entry.only()
        if chosen is not None:
            yield chosen[0]
    for name in (section.text("composite_list") or "").split(","):
        if name.strip() and name.strip() != "none":
            yield name.strip()


def configured(
    report: Report, path: str, signal: str, timeout_seconds: float
) -> tuple[Setting, list[SignalExport]]:
    """The names of the signal's exporters in the file, and those over OTLP."""
    try:
        root = Section(read(path), "", Messages(path))
    except Unusable:
        # Said with the settings.
        return Setting([], FILE, path), []
    names: list[str] = []
    exports: list[SignalExport] = []
    key, list_key, _ = _PROVIDERS[signal]
    provider = root.section(key)
    if provider is not None and not root.flag("disabled"):
        with captured():
            holders = list(_holders(provider, list_key))
        for holder, name, settings in holders:
            names.append(name)
            if name not in _PROTOCOLS:
                continue
            protocol = Setting(_PROTOCOLS[name], FILE, path)
            export = SignalExport(signal, protocol, len(exports) + 1)
            exports.append(export)
            report.attempt(CHECK, _fill, report, path, export, holder, settings, timeout_seconds)
    return Setting(names, FILE, path), exports


def _holders(provider: Section, list_key: str) -> Iterator[tuple[Section, str, Section]]:
    """The section of each processor or reader that has an exporter, the exporter's name, and its
    section."""
    for entry in provider.sections(list_key):
        chosen = entry.only()
        exporter = chosen and chosen[1].section("exporter")
        named = exporter and exporter.only()
        if chosen and named:
            yield chosen[1], *named


def _fill(
    report: Report,
    path: str,
    export: SignalExport,
    holder: Section,
    settings: Section,
    timeout_seconds: float,
) -> None:
    for key in ("headers", "headers_list"):
        _keep_secrets(report, settings.take(key))
    listening(
        report,
        partial(bounded, 2 * timeout_seconds, _in_file, _make, report, export, holder),
        _is_unusable,
    )
    is_grpc = export.protocol.value == "grpc"
    made = export.exporter
    headers = dict(getattr(made, "_headers", ()))
    if not is_grpc:
        headers = {name: text for name, text in headers.items() if name not in _OWN_HEADERS}
    shown = masked_headers(report, headers)
    export.settings["headers"] = Setting(shown, FILE, path) if shown else Setting({}, DEFAULT)
    tls = settings.section("tls")
    for key, name in (
        ("certificate", "ca_file"),
        ("client_certificate", "cert_file"),
        ("client_key", "key_file"),
    ):
        file = tls and tls.text(name)
        export.settings[key] = Setting(file, FILE, path) if file else Setting(None, DEFAULT)
    for key, name in (("timeout_seconds", "timeout"), ("compression", "compression")):
        source = (FILE, path) if settings.has(name) else (DEFAULT, "")
        attribute = "_timeout" if name == "timeout" else "_compression"
        export.settings[key] = Setting(getattr(made, attribute, None), *source)
    default = default_endpoint("grpc") if is_grpc else getattr(made, "_endpoint", "")
    text = settings.text("endpoint")
    endpoint = Setting(text, FILE, path) if text else Setting(default, DEFAULT)
    export.settle(report, endpoint, endpoint)


def _keep_secrets(report: Report, value: Any) -> None:
    """Whatever shape headers have in the file: messages repeat what cannot be used."""
    if isinstance(value, str):
        keep_secret_in_list(report, value)
    elif isinstance(value, dict):
        # Either a header by itself, or wrongly all of them.
        if value.get("name") is None or str(value["name"]).lower() not in HARMLESS_HEADERS:
            for key, text in value.items():
                if key != "name" and key not in HARMLESS_HEADERS:
                    _keep_secrets(report, text)
    elif isinstance(value, list):
        for entry in value:
            _keep_secrets(report, entry)


def _make(report: Report, export: SignalExport, holder: Section) -> Any:
    from oxitel.setup.file.exporters import make_exporter

    try:
        export.exporter = make_exporter(holder, "exporter", _PROVIDERS[export.signal][2])
    except Exception as error:
        report.find("error", CHECK, f"{export.name}: no exporter is made: {describe(error)}")
    return export.exporter


def _is_unusable(exporter: Any) -> bool:
    return exporter is None or (exporter._native is None and exporter._transport is None)
