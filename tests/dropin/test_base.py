"""The base of instrumentations, which comes along and gives way to the official one."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dropin.conftest import API, BETA, Environment, clean_environment

PROGRAM = Path(__file__).parent / "programs" / "base.py"
FOLDER = Path("opentelemetry/instrumentation")
# Which SDK the providers are of, after a program's own set-up without exporters.
SET_UP = """
import os

for signal in ("TRACES", "METRICS", "LOGS"):
    os.environ[f"OTEL_{signal}_EXPORTER"] = "none"

from opentelemetry.instrumentation.auto_instrumentation import initialize

initialize(swallow_exceptions=False)
from opentelemetry.sdk.trace import TracerProvider
import sys

print("oxitel" if "oxitel" in sys.modules[TracerProvider.__module__].__file__ else "opentelemetry")
"""
BROKEN = """
from opentelemetry.instrumentation.auto_instrumentation import initialize
from oxitel.setup.zero_code.distro import Distro

def configure(self, **named):
    raise ValueError("nobody configures")

Distro._configure = configure
initialize()
print("set up")
try:
    initialize(swallow_exceptions=False)
except ValueError as error:
    print("raised", error)
"""
WHERE = "import opentelemetry.instrumentation.instrumentor as base\nprint(base.__file__)"
SWITCHED = f"import oxitel.auto\n{WHERE}"
OURS = "/oxitel/base/opentelemetry/instrumentation/instrumentor.py"
INSTRUMENTED = """
import sqlite3

from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
LoggingInstrumentor().instrument()
SQLite3Instrumentor().instrument(tracer_provider=provider)
sqlite3.connect(":memory:").cursor().execute("SELECT 1")
print(*(span.name for span in exporter.get_finished_spans()))
"""


MODULES = (
    *("_labeler", "_labeler._internal", "_semconv", "auto_instrumentation", "dependencies"),
    *("distro", "environment_variables", "instrumentor", "propagators", "sqlcommenter_utils"),
    *("utils", "version"),
)
# Nobody asks for these where the official base is not installed (docs/decisions/0005).
MODULES_LEFT_OUT = {
    *("auto_instrumentation._load", "auto_instrumentation.sitecustomize", "bootstrap"),
    *("bootstrap_gen", "cidict", "log_utils"),
}
LEFT_OUT = {
    "_labeler._internal": {"_attach_context_value"},
    "auto_instrumentation": {"_initialize", "run"},
    "dependencies": {"_format_deps", "_get_dependency_conflicts_any"},
    "utils": {"_start_internal_or_server_span", "_suppress_instrumentation"},
}


@pytest.fixture(scope="module")
def official_base(make_environment: Callable[..., Environment]) -> Environment:
    return make_environment(
        f"opentelemetry-instrumentation=={BETA}", f"opentelemetry-api=={API}", "pip"
    )


@pytest.fixture(scope="module")
def own_base(make_environment: Callable[..., Environment]) -> Environment:
    return make_environment("oxitel", f"opentelemetry-api=={API}", "pip")


def described(environment: Environment) -> dict[str, Any]:
    finished = subprocess.run(
        [environment.python, PROGRAM, *MODULES],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(finished.stdout)


def test_it_does_what_the_official_one_does(
    official_base: Environment, own_base: Environment
) -> None:
    official, ours = described(official_base), described(own_base)
    for module, names in official.pop("names").items():
        own = ours["names"][module]
        missing = LEFT_OUT.get(module, set())
        assert missing == names.keys() - own.keys(), module
        for name in names.keys() - missing:
            assert parameters(own[name], name) == parameters(names[name], name), name
    del ours["names"]
    assert len(official) > 8
    assert ours == official


def parameters(found: Any, name: str) -> Any:
    """One function makes all those that put one value into attributes; what the value is called
    there, its callers do not say."""
    if name.startswith(("_set_http", "_set_db")) and len(found) == 3:
        return [found[0], found[1][1:], found[2]]
    return found


def test_a_module_is_there_or_left_out_on_purpose(
    official_base: Environment, own_base: Environment
) -> None:
    official = modules(official_base.site_packages / FOLDER)
    ours = modules(own_base.site_packages / "oxitel" / "base" / FOLDER)
    assert ours == set(MODULES)
    assert official - ours - MODULES_LEFT_OUT == set()
    assert official >= MODULES_LEFT_OUT


def modules(folder: Path) -> set[str]:
    paths = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py"))
    return {".".join(path.parts).removesuffix(".__init__") for path in paths}


def test_a_program_sets_itself_up(own_base: Environment) -> None:
    assert own_base.output(SET_UP) == "oxitel"


def test_what_goes_wrong_when_a_program_sets_itself_up_is_raised_if_it_wants(
    own_base: Environment,
) -> None:
    finished = own_base.run(BROKEN)
    assert finished.stdout.splitlines() == ["set up", "raised nobody configures"]
    assert "no telemetry from this process" in finished.stderr


def test_an_official_sdk_is_not_replaced_when_a_program_sets_itself_up(
    official_present: Environment,
) -> None:
    assert official_present.output(SET_UP).startswith("opentelemetry")


def test_instrumentations_work_without_the_official_base(official_absent: Environment) -> None:
    assert official_absent.output(WHERE).endswith(OURS)
    assert official_absent.output(SWITCHED).endswith(OURS)
    assert official_absent.output(INSTRUMENTED) == "SELECT"


def test_an_installed_official_base_is_the_only_one(
    make_environment: Callable[..., Environment],
) -> None:
    environment = make_environment("oxitel", "opentelemetry-instrumentation")
    for program in (WHERE, SWITCHED):
        assert OURS not in environment.output(program)
    assert environment.output(INSTRUMENTED) == "SELECT"


def test_pip_leaves_an_older_sdk_as_it_is(make_environment: Callable[..., Environment]) -> None:
    environment = make_environment("opentelemetry-sdk==1.44.0")
    pip = [sys.executable, "-m", "pip", "--python", str(environment.python), "install", "--quiet"]
    subprocess.run([*pip, str(environment.wheel)], check=True, timeout=300)
    program = (
        "from importlib.metadata import version\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "names = ('api', 'sdk', 'semantic-conventions')\n"
        "print(*(version(f'opentelemetry-{name}') for name in names))"
    )
    assert environment.output(program) == "1.44.0 1.44.0 0.65b0"
    assert environment.output(f"import oxitel.auto\n{INSTRUMENTED}") == "SELECT"


def test_a_folder_that_no_path_file_is_read_of_has_it_after_the_switch(
    official_absent: Environment,
) -> None:
    folder = f"import sys; sys.path.insert(0, {str(official_absent.site_packages)!r})\n"
    assert official_absent.output(f"{folder}{SWITCHED}", "-S").endswith(OURS)
