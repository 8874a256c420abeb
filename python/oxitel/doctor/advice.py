"""What answers and endpoints mean, and what to do about them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from oxitel._native import default_port

from .export import Answer
from .peek import HTTP_1, HTTP_2, SILENCE, TLS
from .report import Report
from .sources import DEFAULT, Setting
from .target import OTHER_PROTOCOL, Target
from .tls import ADVICE_MUTUAL

if TYPE_CHECKING:
    from .signal_export import SignalExport

_CHECK = "export"
_PATH = re.compile(r"/v1/(traces|metrics|logs)/?$")
_SPEECH = {"grpc": HTTP_2, "http/protobuf": HTTP_1}
_CALLED = {"grpc": "gRPC", "http/protobuf": "OTLP/HTTP"}


def check_base(report: Report, setting: Setting) -> None:
    """A general endpoint of OTLP/HTTP, to which the signal's path is appended."""
    match = _PATH.search(setting.value)
    if match:
        report.find(
            "warning",
            _CHECK,
            f"{setting.origin} ends in {match.group()}, and each signal's path is appended to it",
            f"take {match.group()} away from it",
        )


def check_endpoint(
    report: Report, name: str, protocol: str, endpoint: Setting, target: Target
) -> None:
    """What looks wrong before anything is connected."""
    if endpoint.source == DEFAULT:
        return
    origin = endpoint.origin
    other = OTHER_PROTOCOL[protocol]
    if target.port == default_port(other):
        report.find(
            "warning",
            _CHECK,
            f"{origin} has port {target.port}, where {_CALLED[other]} is usual, and the protocol is"
            f" {protocol}",
            f"use port {default_port(protocol)}, or set OTEL_EXPORTER_OTLP_PROTOCOL={other}",
        )
    rest = endpoint.value.partition("://")[2] or endpoint.value
    if protocol == "grpc" and target.unix_path is None and rest.partition("/")[2]:
        report.find("note", _CHECK, f"the path in {origin} is not used over gRPC")
    if protocol == "grpc" and "://" not in endpoint.value and target.is_tls:
        report.find(
            "note",
            _CHECK,
            f"{origin} has no scheme, which means TLS over gRPC",
            "write http:// in front of it for plain text",
        )
    if protocol != "grpc" and not rest.partition("/")[2] and name.upper() in origin:
        report.find(
            "warning",
            _CHECK,
            f"{origin} is used as it is, and it has no path",
            f"append /v1/{name} to it",
        )


def for_log(text: str) -> str:
    """What to do about something that an exporter logged while it was made."""
    if "URL encoded" in text:
        return "write key=value pairs separated by commas; write a space as %20, a comma as %2C"
    if "Failed to read file" in text:
        return "correct the file's name or its permissions"
    return ""


def report_answers(report: Report, exports: list[SignalExport], unconnected: set[str]) -> None:
    """One finding for each kind of answer, with the signals that got it. Of those `unconnected`,
    the step that failed has been reported."""
    accepted = [export for export in exports if export.answer and export.answer.is_accepted]
    found: dict[tuple[str, str, str], list[str]] = {}
    for export in exports:
        answer = export.answer
        if answer is None:
            continue
        if answer.is_accepted:
            if answer.text:
                key = "note", f"the receiver accepts, and says: {answer.text}", ""
                found.setdefault(key, []).append(export.name)
            continue
        if answer.outcome in ("unconnected", "broken") and export.name in unconnected:
            continue
        text = _told(export, answer)
        key = answer.grade, text, _advice(export, answer, accepted)
        found.setdefault(key, []).append(export.name)
    for (grade, text, advice), names in found.items():
        report.find(grade, _CHECK, f"{', '.join(names)}: {text}", advice)


def _told(export: SignalExport, answer: Answer) -> str:
    if _is_other_speech(export):
        return (
            f"an empty export is not understood: the receiver speaks {export.heard}, and the"
            f" exporter {_SPEECH[export.protocol.value]}"
        )
    match answer.outcome:
        case "refused":
            return f"the receiver refuses an empty export: {answer.said}"
        case "busy":
            return f"the receiver asks to come again later: {answer.said}"
        case "timed out":
            return f"no answer to an empty export within {answer.seconds:.1f} s"
        case "broken":
            return f"the connection broke during an empty export: {answer.said}"
    return f"the exporter does not connect: {answer.said}"


def _is_other_speech(export: SignalExport) -> bool:
    heard = export.heard
    if heard == TLS:
        return True
    return heard in (HTTP_1, HTTP_2) and heard != _SPEECH[export.protocol.value]


def _advice(export: SignalExport, answer: Answer, accepted: list[SignalExport]) -> str:
    said = answer.said.lower()
    protocol: str = export.protocol.value
    if export.heard == TLS:
        return "write https:// in the endpoint"
    other = OTHER_PROTOCOL[protocol]
    switch = (
        f"set OTEL_EXPORTER_OTLP_PROTOCOL={other}, or use the receiver's port for {protocol}"
        f" (usually {default_port(protocol)})"
    )
    if any(code in said for code in ("401", "403", "unauthenticated", "permission_denied")):
        headers: Any = export.settings["headers"].value
        if not headers:
            return (
                "no headers are sent: set OTEL_EXPORTER_OTLP_HEADERS, for example to"
                " authorization=Bearer%20TOKEN"
            )
        return f"the credentials in {export.settings['headers'].origin} are not accepted"
    if _is_other_speech(export):
        return switch
    if "unimplemented" in said or answer.code.startswith(("404", "405")):
        return _advice_for_nothing_there(export, answer, accepted, switch)
    if any(word in said for word in ("certificaterequired", "handshakefailure")):
        return ADVICE_MUTUAL
    if any(word in said for word in ("certificateexpired", "badcertificate", "unknownca")):
        return (
            "the receiver does not accept the client certificate: look at its dates and its issuer"
        )
    if "invalidcontenttype" in said:
        return "the receiver speaks no TLS: write http:// in the endpoint"
    if answer.outcome == "timed out" and export.heard == SILENCE:
        return "something listens there that says nothing: is it a receiver?"
    if answer.code.startswith("415"):
        return "the receiver does not take protobuf: is the endpoint an OTLP receiver's?"
    return ""


def _advice_for_nothing_there(
    export: SignalExport, answer: Answer, accepted: list[SignalExport], switch: str
) -> str:
    if any(other.protocol.value == export.protocol.value for other in accepted):
        return (
            f"the receiver takes other signals, but no {export.name}: switch them on there, or"
            f" set OTEL_{export.signal}_EXPORTER=none"
        )
    if export.protocol.value == "grpc":
        if "no grpc status" in answer.said.lower():
            return f"no gRPC receiver is there: {switch}"
        return "the endpoint is not an OTLP receiver's, or it takes no telemetry of this kind"
    endpoint = export.settings["endpoint"]
    name = endpoint.origin or "OTEL_EXPORTER_OTLP_ENDPOINT"
    return f"the path of {endpoint.value} is not the receiver's: correct {name}"
