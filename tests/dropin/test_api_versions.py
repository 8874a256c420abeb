"""The same program beside each version of the official API exports the same."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.client import Collector
from dropin.api_versions import NEWEST, OLDEST, VERSIONS
from dropin.conftest import ROOT, Environment, clean_environment
from oxitel import fitness

PROGRAM = Path(__file__).parent / "programs" / "signals.py"
RESULTS = ROOT / ".work" / "api-versions"
# What the tutorial's chapter works with.
LIBRARIES = ("fastapi", "flask", "httpx", "requests", "sqlalchemy")
# Whose base of instrumentations there is, and what brings it.
BASES = {
    "ours": ("opentelemetry-semantic-conventions=={beta}", "packaging", "wrapt"),
    "official": ("opentelemetry-instrumentation=={beta}",),
}


@pytest.fixture(scope="module")
def exported(
    make_environment: Callable[..., Environment], official_python: Path
) -> Callable[[str, str], dict[str, Any]]:
    """What the program exports beside a version of the API, once for each."""
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def run(version: str, base: str) -> dict[str, Any]:
        if (version, base) not in found:
            found[version, base] = _exported(make_environment, version, base, official_python)
        return found[version, base]

    return run


def _exported(
    make_environment: Callable[..., Environment], version: str, base: str, official_python: Path
) -> dict[str, Any]:
    environment = make_environment(
        f"opentelemetry-api=={version}",
        *(requirement.format(beta=VERSIONS[version]) for requirement in BASES[base]),
        *LIBRARIES,
    )
    environment.install("oxitel", dependencies=False)
    with Collector(official_python) as collector:
        finished = subprocess.run(
            [environment.python, "-W", "error::RuntimeWarning", PROGRAM],
            env=clean_environment()
            | {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint,
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{collector.http_endpoint}/v1/logs",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return _comparable(collector)


def _comparable(collector: Collector) -> dict[str, Any]:
    """All that was exported but times, durations, and versions of what is installed; for ids, the
    names of the spans."""
    requests = collector.requests()
    names = {
        span["span_id"]: span["name"]
        for request in requests
        for resource in request.decoded.get("resource_spans", [])
        for scope in resource["scope_spans"]
        for span in scope["spans"]
    }
    return {
        signal: _plain([one.decoded for one in requests if one.signal == signal], names)
        for signal in ("traces", "metrics", "logs")
    }


_VARIES = re.compile(
    r"_unix_nano$|^trace_id$|^schema_url$|^version$|^(sum|min|max|bucket_counts|exemplars)$"
)
_VARYING_ATTRIBUTES = ("service.instance.id", "telemetry.sdk.version", "exception.stacktrace")


def _plain(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        kept = [_plain(item, names) for item in value if not _is_varying(item)]
        return sorted(kept, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        return {k: _plain(item, names) for k, item in value.items() if not _VARIES.search(k)}
    return names.get(value, value)


def _is_varying(item: Any) -> bool:
    return isinstance(item, dict) and item.get("key") in _VARYING_ATTRIBUTES


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_of_the_api_makes_the_same_signals(
    version: str, exported: Callable[[str, str], dict[str, Any]]
) -> None:
    found = exported(version, "official")
    assert all(found.values()), {signal: len(requests) for signal, requests in found.items()}
    assert found == exported(NEWEST, "official")
    assert found == exported(version, "ours")
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{version}.json").write_text("{}\n", encoding="utf-8")


def test_the_oldest_version_is_what_the_package_asks_for() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    oldest = OLDEST.removesuffix(".0")
    assert f'"opentelemetry-api>={oldest},<2"' in project
    assert f'"opentelemetry-semantic-conventions>={VERSIONS[OLDEST]},<1"' in project
    assert (oldest, VERSIONS[OLDEST]) == (fitness.OLDEST_API, fitness.OLDEST_INSTRUMENTATION)


def test_the_page_shows_what_was_found() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "render_versions.py"))
    results = json.loads((ROOT / "docs" / "api-versions.json").read_text(encoding="utf-8"))
    assert list(results["versions"]) == list(VERSIONS)
    page = (ROOT / "docs" / "dropin.md").read_text(encoding="utf-8")
    assert script["rendered"](page, results) == page, "run scripts/render_versions.py"
