"""Packages that build upon the SDK, some by its private names: with `import oxitel.auto` first they
do the same on ours as on the official SDK, which is installed beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.client import Collector
from official.differential.check import Collectors, check
from official.differential.runner import Case, find_cases

HERE = Path(__file__).resolve().parent
CASES = find_cases(HERE)
# The distribution that each program is about.
PACKAGES = {
    "exporters.azure_monitor": "azure-monitor-opentelemetry-exporter",
    "exporters.google_cloud_trace": "opentelemetry-exporter-gcp-trace",
    "exporters.otlp_json_file": "opentelemetry-exporter-otlp-json-file",
    "exporters.otlp_json_http": "opentelemetry-exporter-otlp-json-http",
    "exporters.prometheus_remote_write": "opentelemetry-exporter-prometheus-remote-write",
    "exporters.rich_console": "opentelemetry-exporter-richconsole",
    "exporters.zipkin_json": "opentelemetry-exporter-zipkin-json",
    "frameworks.aws_and_baggage": "opentelemetry-sdk-extension-aws",
    "frameworks.configuration": "opentelemetry-configuration",
    "frameworks.distro": "opentelemetry-distro",
    "frameworks.langfuse": "langfuse",
    "frameworks.logfire": "logfire",
    "frameworks.openinference": "openinference-instrumentation",
    "frameworks.opentracing": "opentelemetry-opentracing-shim",
    "frameworks.test_utils": "opentelemetry-test-utils",
}
PINNED = dict(
    line.split("==")
    for line in (HERE.parents[1] / "requirements-packages.txt").read_text(encoding="utf-8").split()
    if "==" in line
)
ROOT = HERE.parents[2]
RESULTS = json.loads((ROOT / "docs/instrumentations.json").read_text(encoding="utf-8"))
SWITCH = {"PYTHONPATH": str(ROOT / "python"), "PROGRAM_IMPORTS_FIRST": "oxitel.auto"}


@pytest.fixture(scope="module")
def collectors(official_python: Path) -> Iterator[Collectors]:
    with Collector(official_python) as first, Collector(official_python) as second:
        yield first, second


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_package_does_the_same(
    case: Case, collectors: Collectors, packages_python: Path, tmp_path: Path
) -> None:
    outcome = check(case, collectors, packages_python, tmp_path, switch=SWITCH)
    # Something was exported, or seen by an exporter.
    assert outcome["requests"] or len(outcome["observations"]) > 1
    package = PACKAGES[case.id]
    kept = ROOT / ".work" / "packages"
    kept.mkdir(parents=True, exist_ok=True)
    found = {"package": package, "version": PINNED[package]}
    (kept / f"{case.id}.json").write_text(json.dumps(found), encoding="utf-8")


def test_the_published_results_have_every_package() -> None:
    published = {found["package"]: found["version"] for found in RESULTS["packages"].values()}
    tried = {package: PINNED[package] for package in PACKAGES.values()}
    assert published == tried, "run these tests, then scripts/render_instrumentations.py"
