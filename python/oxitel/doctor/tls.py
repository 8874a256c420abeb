"""One TLS handshake, and if it fails, others that tell why: chain, name, dates, client certificate.

OpenSSL makes it here and rustls in the exporter, so that the exporter's own answer is the verdict.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from time import time
from typing import Any

from oxitel.export.otlp import read_folder

from .target import Target

_DAY = 24 * 60 * 60
_SOON_DAYS = 14
_REFUSAL_SECONDS = 0.5
# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which has no name in Python.
_NO_CHECK_TIME = 0x200000
_EXPIRED, _NOT_YET_VALID = 10, 9
_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH = 62, 64

Verdict = tuple[str, str, str, dict[str, Any]]
"""Grade, text, advice and details."""


def handshake(target: Target, opened: Callable[[], socket.socket]) -> Verdict:
    """What came of a handshake over connections that `opened` makes. OSError if it never got that
    far."""
    try:
        context = _context(target)
    except (OSError, ssl.SSLError) as error:
        return "error", f"the TLS files cannot be used: {_reason(error)}", "", {}
    try:
        certificate, version = _shake_hands(context, target, opened)
    except ssl.SSLCertVerificationError as error:
        return _explain(error, target, opened)
    except ssl.SSLError as error:
        return (*_problem(error, target), {})
    except (ConnectionResetError, BrokenPipeError):
        advice = "" if target.client_certificate else ADVICE_MUTUAL
        return "error", "the receiver closes the connection after the TLS handshake", advice, {}
    return _describe(certificate, version)


def _context(target: Target) -> ssl.SSLContext:
    named = target.certificate
    if named is not None and os.path.isdir(named):
        # As the exporter reads it, whatever the files are called.
        certificates = read_folder(named).decode("ascii", "replace")
        context = ssl.create_default_context(cadata=certificates)
    else:
        context = ssl.create_default_context(cafile=named)
    # Newer Pythons are stricter than the exporter is.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["h2" if target.protocol == "grpc" else "http/1.1"])
    if target.client_certificate:
        context.load_cert_chain(target.client_certificate, target.client_key)
    if target.certificate:
        # A server's own certificate that is handed out as the one to trust is common.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _shake_hands(
    context: ssl.SSLContext, target: Target, opened: Callable[[], socket.socket]
) -> tuple[dict[str, Any], str]:
    """The server's certificate and the version of TLS."""
    with (
        opened() as connection,
        context.wrap_socket(connection, server_hostname=target.host) as secured,
    ):
        certificate, version = secured.getpeercert() or {}, secured.version() or ""
        # With TLS 1.3 a server refuses the client's certificate, or none, after the handshake.
        secured.settimeout(_REFUSAL_SECONDS)
        with suppress(TimeoutError):
            if not secured.recv(1):
                raise ConnectionResetError("the connection was closed after the handshake")
        return certificate, version


def _explain(
    error: ssl.SSLCertVerificationError, target: Target, opened: Callable[[], socket.socket]
) -> Verdict:
    """Why the certificate was refused, with what is in it."""
    certificate = _unverified(target, opened)
    details = _details(certificate)
    names = ", ".join(details.get("names", ())) or "no name"
    code = error.verify_code
    if code == _EXPIRED:
        text = f"the certificate expired on {details.get('valid_until', 'an unknown date')}"
        advice = "renew the receiver's certificate"
    elif code == _NOT_YET_VALID:
        text = f"the certificate is valid from {details.get('valid_from', 'a later date')} only"
        advice = "look at this machine's clock, then at the certificate"
    elif code in (_HOSTNAME_MISMATCH, _ADDRESS_MISMATCH):
        text = f"the certificate is for {names}, not for {target.host}"
        advice = "write a name of the certificate in the endpoint, or have one made for this name"
    else:
        trusted = target.certificate or "the system's certificates"
        issuer = details.get("issuer", "somebody unknown")
        text = f"{trusted} do not vouch for the certificate, issued by {issuer}"
        if target.certificate:
            text = f"{trusted} does not vouch for the certificate, issued by {issuer}"
        text += f" ({error.verify_message})"
        advice = "name a PEM file with the issuer's certificate in OTEL_EXPORTER_OTLP_CERTIFICATE"
    return "error", text, advice, details


def _unverified(target: Target, opened: Callable[[], socket.socket]) -> dict[str, Any]:
    """What is in the server's certificate, whoever issued it: it is fetched first, then trusted
    for one handshake, for only a trusted certificate is taken apart by `ssl`."""
    with suppress(OSError, ValueError):
        fetching = _lenient(target)
        fetching.verify_mode = ssl.CERT_NONE
        with (
            opened() as connection,
            fetching.wrap_socket(connection, server_hostname=target.host) as secured,
        ):
            encoded = secured.getpeercert(binary_form=True)
        reading = _lenient(target)
        reading.load_verify_locations(cadata=encoded)
        reading.verify_flags |= _NO_CHECK_TIME | ssl.VERIFY_X509_PARTIAL_CHAIN
        with (
            opened() as connection,
            reading.wrap_socket(connection, server_hostname=target.host) as secured,
        ):
            return secured.getpeercert() or {}
    return {}


def _lenient(target: Target) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if target.client_certificate:
        context.load_cert_chain(target.client_certificate, target.client_key)
    return context


def _describe(certificate: dict[str, Any], version: str) -> Verdict:
    details = {"version": version, **_details(certificate)}
    text = f"{version}, certificate of {details.get('subject', 'unknown')}"
    if "issuer" in details:
        text += f" by {details['issuer']}"
    days = details.get("days_left")
    if days is None:
        return "ok", text, "", details
    text += f", valid until {details['valid_until']} ({days} {'day' if days == 1 else 'days'})"
    if days < _SOON_DAYS:
        return "note", text, "the certificate ends soon: see to its renewal", details
    return "ok", text, "", details


def _details(certificate: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = {}
    for key in ("subject", "issuer"):
        name = _name(certificate.get(key, ()))
        if name:
            details[key] = name
    names = [str(value) for _, value in certificate.get("subjectAltName", ())]
    if names:
        details["names"] = names
    for key, field in (("valid_from", "notBefore"), ("valid_until", "notAfter")):
        if field in certificate:
            details[key] = _date(ssl.cert_time_to_seconds(certificate[field]))
    if "notAfter" in certificate:
        ends = ssl.cert_time_to_seconds(certificate["notAfter"])
        details["days_left"] = int((ends - time()) // _DAY)
    return details


def _name(parts: Any) -> str:
    """The common name, or whatever there is."""
    pairs = {key: value for part in parts for key, value in part}
    for key in ("commonName", "organizationName"):
        if key in pairs:
            return str(pairs[key])
    return ", ".join(str(value) for value in pairs.values())


def _date(seconds: float) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d")


def _problem(error: ssl.SSLError, target: Target) -> tuple[str, str, str]:
    """Grade, text and advice for a handshake that failed, but not for the certificate."""
    reason = (error.reason or "").upper()
    if "WRONG_VERSION" in reason or "HTTP_REQUEST" in reason or "RECORD" in reason:
        return (
            "error",
            f"{target.address} speaks no TLS",
            "write http:// in the endpoint, or switch TLS on at the receiver",
        )
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return "error", f"the receiver ended the handshake: {_reason(error)}", ADVICE_MUTUAL
    if "ALERT" in reason and target.client_certificate:
        return (
            "error",
            f"the receiver does not accept the client certificate: {_reason(error)}",
            "look at its dates and its issuer",
        )
    return "error", f"the TLS handshake failed: {_reason(error)}", ""


ADVICE_MUTUAL = (
    "it may want a client certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and"
    " OTEL_EXPORTER_OTLP_CLIENT_KEY"
)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return error.strerror or str(error)
