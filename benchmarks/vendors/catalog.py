"""The vendors: what each needs to be installed, and the frameworks that each is tried with."""

from __future__ import annotations

from dataclasses import dataclass

FRAMEWORKS = {"flask": "Flask", "fastapi": "FastAPI"}
NOTHING, OXITEL = "nothing", "oxitel"


@dataclass(frozen=True)
class Vendor:
    name: str
    """As setups.py has it."""
    title: str
    sends: str
    """What is switched on, for the page."""
    requirements: tuple[str, ...] = ()
    """Beside the frameworks; the first one's version is told. Oxitel's is the wheel."""


VENDORS = (
    Vendor(NOTHING, "nothing", "the application as it is", ("flask", "fastapi")),
    Vendor(
        OXITEL, "Oxitel", "its instrumentations, traces and metrics, OTLP over HTTP", ("oxitel",)
    ),
    Vendor(
        "official",
        "official packages",
        "contrib's instrumentations, traces and metrics, OTLP over HTTP",
        (
            "opentelemetry-sdk",
            "opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-instrumentation-flask",
            "opentelemetry-instrumentation-fastapi",
        ),
    ),
    Vendor("ddtrace", "ddtrace", "`import ddtrace.auto`, to the agent's port", ("ddtrace",)),
    Vendor("sentry", "sentry-sdk", "`traces_sample_rate=1.0`, envelopes", ("sentry-sdk",)),
    Vendor(
        "logfire",
        "logfire",
        "`instrument_flask` and `instrument_fastapi`, to its own address",
        ("logfire[flask,fastapi]",),
    ),
    Vendor("elastic", "elastic-apm", "`ElasticAPM` of either framework, events", ("elastic-apm",)),
)
