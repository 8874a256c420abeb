"""`opentelemetry-instrument` where the official distribution and SDK are installed beside Oxitel:
who sets the program up."""

import subprocess
from collections.abc import Callable

import pytest

from dropin.conftest import API, BETA, Environment, clean_environment

PROGRAM = """\
import sys
from opentelemetry import _logs, metrics, trace
import opentelemetry.sdk.trace as sdk

providers = [trace.get_tracer_provider(), metrics.get_meter_provider()]
for provider in [*providers, _logs.get_logger_provider()]:
    print("/oxitel/dropin/" in sys.modules[type(provider).__module__].__file__)
print("/oxitel/dropin/" in sdk.__file__)
print(trace.get_tracer_provider().resource.attributes["telemetry.sdk.name"])
# What is loaded switches something on: records of `logging` would be exported, threads patched.
print(any(name.startswith("oxitel.instrumentation") for name in sys.modules))
"""
OFFICIAL = ["False"] * 4 + ["opentelemetry", "False"]
OXITEL = ["True"] * 4 + ["oxitel", "True"]
NO_EXPORT = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}


@pytest.fixture(scope="module")
def both(make_environment: Callable[..., Environment]) -> Environment:
    return make_environment(
        "oxitel",
        f"opentelemetry-sdk=={API}",
        f"opentelemetry-exporter-otlp=={API}",
        f"opentelemetry-distro=={BETA}",
    )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, OFFICIAL),
        ({"OTEL_PYTHON_DISTRO": "distro", "OTEL_PYTHON_CONFIGURATOR": "configurator"}, OFFICIAL),
        ({"OTEL_PYTHON_DISTRO": "oxitel", "OTEL_PYTHON_CONFIGURATOR": "oxitel"}, OXITEL),
        # Either way round, the configurator that is found first sets up what the distribution
        # has put in place.
        ({"OTEL_PYTHON_DISTRO": "oxitel"}, OXITEL),
    ],
    ids=["nothing chosen", "official chosen", "oxitel chosen", "distribution chosen"],
)
def test_the_one_that_is_chosen_sets_the_program_up_and_the_official_one_by_default(
    variables: dict[str, str], expected: list[str], both: Environment
) -> None:
    finished = subprocess.run(
        [both.python.with_name("opentelemetry-instrument"), both.python, "-c", PROGRAM],
        cwd=both.folder,
        env={**clean_environment(), **NO_EXPORT, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (finished.returncode, finished.stdout.split()) == (0, expected), finished.stderr
    # The official command itself tells of configurators that it leaves out.
    said = [line for line in finished.stderr.splitlines() if "Configuration of" not in line]
    assert said == []
