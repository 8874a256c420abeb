"""The folder for the OpenTelemetry operator: made by the script, copied as the operator does it,
beside a Python that has nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ProgramResult
from dropin.conftest import ROOT, clean_environment, uv

SCRIPT = ROOT / "scripts" / "operator_folder.py"
ORDERS = """
import sys
from opentelemetry import trace
def of(kind):
    return kind.get_tracer.__code__.co_filename.split("/")[-3]
with trace.get_tracer("orders").start_as_current_span("take order"):
    print(sys.version_info[0], of(type(trace.get_tracer_provider())))
"""


@pytest.fixture(scope="module")
def made(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has as /autoinstrumentation."""
    folder = tmp_path_factory.mktemp("image") / "autoinstrumentation"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    # A wheel that was built here may want a newer system than those that are published.
    tag = wheel.stem.split("-")[-1].split(".")[0]
    machine = os.uname().machine
    platforms = (tag, *(f"{name}_{machine}" for name in ("manylinux_2_17", "manylinux2014")))
    finished = subprocess.run(
        [
            *(sys.executable, str(SCRIPT), "--out", str(folder), "--python", version),
            *(argument for name in platforms for argument in ("--platform", name)),
            *("--find-links", str(wheel.parent)),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    names = {line.split()[0] for line in finished.stdout.splitlines()}
    assert {"oxitel", "opentelemetry-api", "opentelemetry-instrumentation"} <= names
    assert "opentelemetry-sdk" not in names
    return folder


@pytest.fixture(scope="module")
def injected(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the container has as /otel-auto-instrumentation-python."""
    folder = tmp_path_factory.mktemp("pod") / "otel-auto-instrumentation-python"
    folder.mkdir()
    # The init container's command.
    subprocess.run(["cp", "-r", f"{made}/.", str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has nothing but its standard library."""
    folder = tmp_path_factory.mktemp("bare")
    uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
    return folder / "bin" / "python"


def operator_environment(injected: Path, present: Path | None = None) -> dict[str, str]:
    """What the operator sets: its folder with sitecustomize, the container's own, its packages."""
    first = f"{injected}/opentelemetry/instrumentation/auto_instrumentation"
    path = [first, *([str(present)] if present else []), str(injected)]
    return clean_environment() | {
        "PYTHONPATH": ":".join(path),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_SERVICE_NAME": "orders",
        "OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=orders-1,service.version=1.4.0",
    }


def run(python: Path, program: str, environment: dict[str, str], folder: Path) -> ProgramResult:
    finished = subprocess.run(
        [str(python), "-c", program],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ProgramResult(finished.returncode, finished.stdout, finished.stderr)


def test_a_program_that_has_no_telemetry_sends(
    injected: Path, bare: Path, collector: Any, tmp_path: Path
) -> None:
    environment = operator_environment(injected)
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.http_endpoint
    assert run(bare, ORDERS, environment, tmp_path) == ProgramResult(0, "3 oxitel\n", "")
    (span,) = collector.spans()
    assert span["name"] == "take order"
    resource = span["resource"]
    assert resource["service.name"] == "orders"
    assert resource["k8s.pod.name"] == "orders-1"


def test_children_of_the_program_send_too(
    injected: Path, bare: Path, collector: Any, tmp_path: Path
) -> None:
    environment = operator_environment(injected)
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.http_endpoint
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {ORDERS!r}])"
    assert run(bare, program, environment, tmp_path) == ProgramResult(0, "3 oxitel\n", "")
    assert len(collector.spans()) == 1


def test_the_switch_and_the_programs_own_sitecustomize(
    injected: Path, bare: Path, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('own')\n")
    program = "import sys; print([name for name in sys.modules if 'oxitel' in name])"
    environment = operator_environment(injected, tmp_path) | {"OXITEL_ENABLED": "false"}
    assert run(bare, program, environment, tmp_path) == ProgramResult(0, "own\n[]\n", "")


def test_the_official_sdk_of_the_program_gives_way(
    injected: Path, official_python: Path, collector: Any, tmp_path: Path
) -> None:
    environment = operator_environment(injected)
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.http_endpoint
    environment["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = "*"
    assert run(official_python, ORDERS, environment, tmp_path) == ProgramResult(0, "3 oxitel\n", "")
    assert len(collector.spans()) == 1


def test_an_interpreter_that_the_folder_has_no_module_for_is_said_and_runs(
    injected: Path, bare: Path, tmp_path: Path, make_other: Callable[[Path], Path]
) -> None:
    other = make_other(injected)
    finished = run(bare, "print('program')", operator_environment(other), tmp_path)
    assert (finished.exit_code, finished.stdout) == (0, "program\n")
    (said,) = finished.stderr.splitlines()
    assert said.startswith("oxitel: no telemetry from this process: ")
    assert said.endswith("or set OXITEL_ENABLED=false")


@pytest.fixture
def make_other(tmp_path: Path) -> Callable[[Path], Path]:
    """The folder as it looks to an interpreter of another version."""

    def make(injected: Path) -> Path:
        folder = tmp_path / "other"
        subprocess.run(["cp", "-r", f"{injected}/.", str(folder)], check=True)
        for module in (folder / "oxitel").glob("_native.*.so"):
            module.rename(module.with_name("_native.cpython-39-x86_64-linux-gnu.so"))
        return folder

    return make


def test_everybody_may_read_the_folder(made: Path) -> None:
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in made.rglob("*") if path.is_file())


def test_a_folder_that_has_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    command = [sys.executable, str(SCRIPT), "--out", str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (finished.returncode, finished.stderr) == (2, f"{tmp_path} is not empty\n")
