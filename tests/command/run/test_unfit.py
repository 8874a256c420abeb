"""Environments that Oxitel cannot work in: one line says why and what to do, and the program runs
as it would without us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import oxitel
from oxitel import fitness

PACKAGE = Path(oxitel.__file__).resolve().parent
INSTALL = f"{sys.executable} -m pip install"
REINSTALL = f"{INSTALL} --force-reinstall --no-deps oxitel"

Unfit = Callable[[str], tuple[Path, str]]


@pytest.fixture
def unfit(tmp_path: Path) -> Unfit:
    """A folder for PYTHONPATH in which something is wrong, and what is said of it."""

    def make(what: str) -> tuple[Path, str]:
        if what == "an old API":
            version = tmp_path / "opentelemetry" / "version" / "__init__.py"
            version.parent.mkdir(parents=True)
            version.write_text("__version__ = '1.20.0'\n", encoding="utf-8")
            said = (
                f"opentelemetry-api 1.20.0 is older than 1.36: {INSTALL} 'opentelemetry-api>=1.36'"
            )
            os.symlink(PACKAGE, tmp_path / "oxitel")
            return tmp_path, said
        ignored = shutil.ignore_patterns("__pycache__", "_native.*.so", "_native.*.pyd")
        shutil.copytree(PACKAGE, tmp_path / "oxitel", ignore=ignored)
        if what == "a missing module":
            said = f"the native module of oxitel is missing in {tmp_path}/oxitel: {REINSTALL}"
            return tmp_path, said
        other = "_native.cpython-39-x86_64-linux-gnu.so"
        (tmp_path / "oxitel" / other).touch()
        running = f"cpython {sys.version_info[0]}.{sys.version_info[1]}"
        said = f"oxitel is installed for another interpreter ({other}), and this is {running}"
        return tmp_path, f"{said}: {REINSTALL}"

    return make


def run(program: str, *folders: Path, python: str = sys.executable) -> tuple[str, list[str]]:
    """What a program that ends well prints, and the lines that are said beside it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    finished = subprocess.run(
        [python, "-c", program],
        env=environment | {"PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip(), finished.stderr.splitlines()


EACH = pytest.mark.parametrize("what", ["an old API", "a missing module", "another interpreter"])


@EACH
def test_a_program_under_oxitel_run_goes_on(what: str, unfit: Unfit) -> None:
    folder, said = unfit(what)
    path = folder / "oxitel" / "setup" / "zero_code" / "path"
    printed, lines = run("print('ran')", path, folder)
    assert printed == "ran"
    assert lines == [f"oxitel: no telemetry from this process: {said}, or set OXITEL_ENABLED=false"]


@EACH
def test_the_switch_changes_nothing(what: str, unfit: Unfit) -> None:
    folder, said = unfit(what)
    program = "import sys; before = list(sys.path); import oxitel.auto; print(sys.path == before)"
    printed, lines = run(program, folder)
    assert printed == "True"
    assert lines == [f"import oxitel.auto changes nothing: {said}"]


@pytest.mark.parametrize("what", ["a missing module", "another interpreter"])
def test_the_official_packages_stay_in_use(what: str, unfit: Unfit, official_python: Path) -> None:
    folder, _ = unfit(what)
    program = (
        "import oxitel.auto\nfrom opentelemetry.sdk import trace\nprint('dropin' in trace.__file__)"
    )
    printed, lines = run(program, folder, python=str(official_python))
    assert printed == "False"
    assert len(lines) == 1


@EACH
def test_a_program_that_can_do_without_telemetry_does(what: str, unfit: Unfit) -> None:
    folder, said = unfit(what)
    program = (
        "try:\n"
        "    from opentelemetry.sdk.trace import TracerProvider\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)"
    )
    printed, lines = run(program, folder, folder / "oxitel" / "dropin")
    assert (printed, lines) == (said, [])


def test_an_old_base_of_instrumentations_is_said_by_oxitel_run(tmp_path: Path) -> None:
    module = tmp_path / "opentelemetry" / "instrumentation" / "version.py"
    module.parent.mkdir(parents=True)
    module.write_text("__version__ = '0.40b0'", encoding="utf-8")
    printed, (said,) = run("print('ran')", PACKAGE / "setup" / "zero_code" / "path", tmp_path)
    assert printed == "ran"
    what = "opentelemetry-instrumentation 0.40b0 is older than 0.57b0"
    way_out = f"{INSTALL} 'opentelemetry-instrumentation>=0.57b0'"
    assert (
        said
        == f"oxitel: no telemetry from this process: {what}: {way_out}, or set OXITEL_ENABLED=false"
    )


def test_other_implementations_of_python_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.implementation, "name", "pypy")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert fitness._why_missing() == f"oxitel needs CPython, and this is pypy {version}"


def test_an_environment_that_it_works_in_has_no_problem() -> None:
    assert fitness.problem() is None
