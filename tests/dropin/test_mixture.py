"""A part of ours with a part of the official packages: it is said once, and everything arrives."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.client import Collector
from dropin.conftest import API, Environment, clean_environment

PROGRAM = Path(__file__).parent / "programs" / "mixed.py"
TO_DO = "For all of Oxitel start the program with `oxitel run`, or with `import oxitel.auto`"


@pytest.fixture(scope="module")
def our_exporters(make_environment: Callable[..., Environment]) -> Environment:
    """The official SDK, and no official exporter."""
    return make_environment("oxitel", f"opentelemetry-sdk=={API}")


@pytest.fixture(scope="module")
def our_sdk(make_environment: Callable[..., Environment]) -> Environment:
    """The official exporters without their SDK, as an overridden requirement leaves them."""
    environment = make_environment("oxitel", f"opentelemetry-exporter-otlp=={API}")
    environment.uninstall("opentelemetry-sdk")
    return environment


def run(environment: Environment, collector: Collector, protocol: str) -> str:
    """What the program says, which has to end well."""
    endpoint = collector.grpc_endpoint if protocol == "grpc" else collector.http_endpoint
    finished = subprocess.run(
        [environment.python, PROGRAM, protocol],
        env=clean_environment() | {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stderr


def exported(collector: Collector) -> dict[str, Any]:
    """By signal: the names of spans and metrics, and the bodies of log records."""
    found: dict[str, Any] = {"traces": set(), "metrics": set(), "logs": set()}
    for request in collector.requests():
        for resource in request.decoded.get("resource_spans", []):
            for scope in resource["scope_spans"]:
                found["traces"] |= {span["name"] for span in scope["spans"]}
        for resource in request.decoded.get("resource_metrics", []):
            for scope in resource["scope_metrics"]:
                found["metrics"] |= {metric["name"] for metric in scope["metrics"]}
        for resource in request.decoded.get("resource_logs", []):
            for scope in resource["scope_logs"]:
                found["logs"] |= {log["body"]["string_value"] for log in scope["log_records"]}
    return found


ALL = {"traces": {"span"}, "metrics": {"counter", "histogram"}, "logs": {"body"}}
EACH = pytest.mark.parametrize("protocol", ["grpc", "http"])


@EACH
def test_exporters_of_ours_work_under_the_official_sdk(
    protocol: str, our_exporters: Environment, collector: Collector
) -> None:
    (said,) = run(our_exporters, collector, protocol).splitlines()
    assert exported(collector) == ALL
    packages = our_exporters.site_packages
    sdk = f"opentelemetry.sdk is opentelemetry-sdk {API} ({packages}/opentelemetry/sdk/trace)"
    ours = f"opentelemetry.exporter.otlp.proto.{protocol} is oxitel 0.1.0 ({packages}/oxitel)"
    assert said.startswith(f"{sdk}, but {ours}. {TO_DO}")
    assert said.endswith(f"install opentelemetry-exporter-otlp-proto-{protocol}.")


@EACH
def test_official_exporters_work_under_our_sdk(
    protocol: str, our_sdk: Environment, collector: Collector
) -> None:
    (said,) = run(our_sdk, collector, protocol).splitlines()
    assert exported(collector) == ALL
    packages = our_sdk.site_packages
    distribution = f"opentelemetry-exporter-otlp-proto-{protocol} {API}"
    assert said.startswith(f"opentelemetry.sdk is oxitel 0.1.0 ({packages}/oxitel), but ")
    assert f"opentelemetry.exporter.otlp.proto.{protocol} is {distribution} ({packages}/" in said
    assert said.endswith("for all of the official packages install opentelemetry-sdk.")


@pytest.mark.parametrize("name", ["our_exporters", "our_sdk"])
def test_what_is_advised_makes_it_all_ours(
    name: str, request: pytest.FixtureRequest, collector: Collector
) -> None:
    environment: Environment = request.getfixturevalue(name)
    switched = "import oxitel.auto, runpy, sys; sys.argv[1:] = ['grpc']"
    program = f"{switched}; runpy.run_path({str(PROGRAM)!r})"
    finished = subprocess.run(
        [environment.python, "-c", program],
        env=clean_environment() | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert exported(collector) == ALL
