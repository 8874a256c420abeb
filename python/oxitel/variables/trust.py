"""The variables that name certificates to trust, which many programs share: as `requests` reads
them."""

from __future__ import annotations

from .variable import Variable

REQUESTS_CA_BUNDLE = Variable(
    "REQUESTS_CA_BUNDLE",
    None,
    "HTTP: PEM file, or folder of such files, with the certificates to trust where"
    " `OTEL_EXPORTER_OTLP_[SIGNAL_]CERTIFICATE` and the code name none.",
)
CURL_CA_BUNDLE = Variable(
    "CURL_CA_BUNDLE", None, "HTTP: the same where `REQUESTS_CA_BUNDLE` is not set."
)


def bundle_for(url: str) -> str | None:
    """The file or folder that the environment names for connections to `url`, if any."""
    if not url.lower().startswith("https:"):
        return None
    return REQUESTS_CA_BUNDLE.text() or CURL_CA_BUNDLE.text()
