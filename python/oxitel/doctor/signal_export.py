"""What is known of one signal's exporter over OTLP, and what its two sources have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from oxitel.variables.proxy import proxy_for
from oxitel.variables.trust import bundle_for

from . import advice
from .export import Answer
from .report import MASK, Report
from .sources import Setting
from .target import Target, proxy_at, shown_url, target_of

CHECK = "export"
# Headers that say where telemetry goes, and let nobody in.
HARMLESS_HEADERS = frozenset(
    ("x-scope-orgid", "x-honeycomb-dataset", "stream-name", "organization", "content-type")
)
_SCHEMES = ("bearer", "basic")

_Result = TypeVar("_Result")


class SignalExport:
    """A signal's exporter with its settings, where it connects to, and what came of that."""

    def __init__(self, signal: str, protocol: Setting, number: int = 1) -> None:
        self.signal = signal
        self.name = signal.lower() if number == 1 else f"{signal.lower()} ({number})"
        self.protocol = protocol
        self.settings: dict[str, Setting] = {"protocol": protocol}
        self.exporter: Any = None
        self.target: Target | None = None
        self.answer: Answer | None = None
        self.heard: str | None = None
        """What the receiver speaks, where it did not understand the exporter."""

    def settle(self, report: Report, endpoint: Setting, decided: Setting) -> None:
        """Find out where it connects to, once the other settings are there; `decided` is what
        decided on TLS."""
        is_grpc = self.protocol.value == "grpc"
        shown = shown_url(endpoint.value, report.secrets)
        self.settings["endpoint"] = endpoint._replace(value=shown)
        # Without an exporter, as far as the endpoint tells it.
        is_plain = endpoint.value.lower().startswith("http://")
        is_insecure = bool(getattr(self.exporter, "_insecure", is_plain))
        try:
            target = target_of(endpoint.value, self.protocol.value, is_insecure)
        except ValueError:
            # The exporter has said so.
            return
        self.settings["tls"] = decided._replace(value=target.is_tls)
        proxy = None if is_grpc else proxy_for(endpoint.value)
        if proxy is not None:
            try:
                proxy_at(proxy)
            except ValueError:
                return
            target = target._replace(proxy=proxy)
            name = "HTTPS_PROXY or ALL_PROXY" if target.is_tls else "HTTP_PROXY or ALL_PROXY"
            self.settings["proxy"] = Setting(shown_url(proxy, report.secrets), "variable", name)
        if target.is_tls:
            target = target._replace(
                certificate=self.settings["certificate"].value
                or (None if is_grpc else bundle_for(endpoint.value)),
                client_certificate=self.settings["client_certificate"].value,
                client_key=self.settings["client_key"].value,
            )
        self.target = target
        advice.check_endpoint(report, self.name, self.protocol.value, endpoint, target)


def masked_headers(report: Report, headers: Mapping[str, str]) -> dict[str, str]:
    """Headers without their values, but for a scheme such as Bearer, and their lengths."""
    shown = {}
    for name, value in headers.items():
        if name.lower() in HARMLESS_HEADERS:
            shown[name] = value
            continue
        keep_secret(report, value)
        scheme, space, rest = value.partition(" ")
        if space and scheme.lower() in _SCHEMES:
            shown[name] = f"{scheme} {MASK} ({len(rest)} characters)"
        else:
            shown[name] = f"{MASK} ({len(value)} characters)"
    return shown


def keep_secret_in_list(report: Report, text: str) -> None:
    """The same for a list of headers as variables have it, whether it can be read or not."""
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if name.strip().lower() not in HARMLESS_HEADERS:
            # What has no equals sign may be anything.
            keep_secret(report, value if equals else name)


def keep_secret(report: Report, value: str) -> None:
    """Have a header's value, and its parts, printed nowhere."""
    from urllib.parse import unquote

    for text in (value, unquote(value), *unquote(value).split()):
        if text.lower() not in _SCHEMES:
            report.secrets.add(text)


def listening(
    report: Report, function: Callable[[], _Result], is_unusable: Callable[[_Result], bool]
) -> _Result:
    """What `function` returns. What it logs goes into the findings: as warnings, unless it is an
    error and the result `is_unusable`."""
    with captured() as records:
        result = function()
    wrong = {entry["name"] for entry in report.facts.get("variables", {}).get("wrong", ())}
    for record in records:
        text = " ".join(record.getMessage().split())
        if any(text.startswith(f"Invalid value for {name}:") for name in wrong):
            continue
        is_error = record.levelno >= logging.ERROR and is_unusable(result)
        report.find("error" if is_error else "warning", CHECK, text, advice.for_log(text))
    return result


class _Collecting(logging.Handler):
    """Keeps warnings and errors."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.WARNING)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@contextmanager
def captured() -> Iterator[list[logging.LogRecord]]:
    """What is logged meanwhile, instead of printing it."""
    records: list[logging.LogRecord] = []
    handler = _Collecting(records)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield records
    finally:
        root.removeHandler(handler)
