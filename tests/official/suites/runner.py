"""Runs the tests that a source distribution carries, on the official SDK and on ours, in an
environment of their own that has both; what only one side fails is told apart test by test."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as xml
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from official.suites.catalog import Suite

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / ".work" / "suites"
SIDES = ("official", "oxitel")
PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"
# What runs the tests, and what the sources are built by.
_TOOLS = ("hatchling", "pip", "pytest", "pytest-timeout", "setuptools")


@dataclass(frozen=True)
class Side:
    """How each test of a suite ended, and pytest's last words."""

    outcomes: dict[str, str]
    summary: str

    def of(self, outcome: str) -> set[str]:
        return {name for name, found in self.outcomes.items() if found == outcome}


@dataclass(frozen=True)
class Prepared:
    """An environment with a distribution and what its tests need, and its unpacked source."""

    python: Path
    source: Path


def prepare(name: str, suite: Suite) -> Prepared:
    """Downloads and installs, once for each version of the requirements: suites with the same ones
    share an environment."""
    wanted = sorted({*_TOOLS, f"{name}=={suite.version}", *suite.requirements})
    digest = hashlib.sha256(repr((wanted, suite.overrides, sys.version)).encode()).hexdigest()[:12]
    environment = WORK / f"environment-{digest}"
    python = environment / "bin" / "python"
    source = WORK / f"{name}-{suite.version}"
    with _alone(environment.name):
        if not (environment / "ready").exists():
            _install(environment, wanted, suite)
            (environment / "ready").touch()
    with _alone(source.name):
        if not (source / "ready").exists():
            _unpack(python, source, f"{name}=={suite.version}")
            (source / "ready").touch()
    (unpacked,) = (path for path in source.iterdir() if path.is_dir())
    return Prepared(python, unpacked)


def run(prepared: Prepared, suite: Suite, side: str, tests: tuple[str, ...]) -> Side:
    """The outcome of each of `tests`, files and folders of the source, on one side."""
    report = prepared.source.parent / f"{side}.xml"
    report.unlink(missing_ok=True)
    dropped = ("PYTHON", "OTEL_", "OXITEL_", "VIRTUAL_ENV", "PYTEST")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(dropped)
    }
    command = [str(prepared.python), "-m", "pytest", "-q"]
    if side == "oxitel":
        folders = (*suite.first, "python")
        environment["PYTHONPATH"] = os.pathsep.join(str(ROOT / folder) for folder in folders)
        # Imported as a plugin, it comes before everything else.
        command += ["-p", "oxitel.auto"]
    command += ["-o", "addopts=", "-p", "no:cacheprovider", "--timeout=120", f"--junitxml={report}"]
    command += ["--continue-on-collection-errors", *suite.options]
    for pattern in tests:
        command += sorted(map(str, prepared.source.glob(pattern)))
    command += [f"--ignore={left_out}" for left_out in suite.left_out]
    finished = subprocess.run(
        command,
        cwd=prepared.source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    if not report.exists():
        raise RuntimeError(f"pytest wrote no report:\n{finished.stdout}{finished.stderr}")
    log = report.with_suffix(".log")
    log.write_text(finished.stdout + finished.stderr, encoding="utf-8")
    lines = [line for line in finished.stdout.splitlines() if " in " in line]
    return Side(_outcomes(report), lines[-1].strip("= ") if lines else "")


def only_ours(
    prepared: Prepared, suite: Suite, tests: tuple[str, ...]
) -> tuple[Side, Side, set[str]]:
    """Both sides, and the tests that pass on the official SDK and not on ours."""
    official, ours = (run(prepared, suite, side, tests) for side in SIDES)
    failed = official.of(PASSED) - ours.of(PASSED)
    if failed:
        # Some measure time, or wait for a moment: what fails on ours alone gets a second chance.
        failed -= run(prepared, suite, "oxitel", _files_of(failed, prepared, tests)).of(PASSED)
    return official, ours, failed


def unexpected(
    prepared: Prepared, suite: Suite, tests: tuple[str, ...], known: Callable[[str], bool]
) -> tuple[Side, set[str]]:
    """Ours, and the tests that fail there without being known to; the official SDK is asked about
    these alone, which takes half as long."""
    ours = run(prepared, suite, "oxitel", tests)
    failed = {test for test in ours.of(FAILED) if not known(test)}
    for side in ("oxitel", "official", "oxitel"):
        if failed:
            again = run(prepared, suite, side, _files_of(failed, prepared, tests))
            failed &= again.of(FAILED if side == "oxitel" else PASSED)
    return ours, failed


def _files_of(names: set[str], prepared: Prepared, tests: tuple[str, ...]) -> tuple[str, ...]:
    files = {_file_of(name, prepared.source) for name in names}
    return tests if "" in files else tuple(sorted(files))


def _outcomes(report: Path) -> dict[str, str]:
    outcomes = {}
    for case in xml.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        outcome = FAILED if kinds & {"failure", "error"} else PASSED
        outcomes[name] = SKIPPED if outcome == PASSED and "skipped" in kinds else outcome
    return outcomes


def _file_of(name: str, source: Path) -> str:
    """The file of a test; the report has its module and class, with dots."""
    parts = name.partition("::")[0].split(".")
    for count in range(len(parts), 0, -1):
        path = "/".join(parts[:count]) + ".py"
        if (source / path).exists():
            return path
    return parts[0]


@contextmanager
def _alone(name: str) -> Iterator[None]:
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(environment: Path, wanted: list[str], suite: Suite) -> None:
    _call(["-m", "uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)])
    overrides = environment / "overrides.txt"
    overrides.write_text("\n".join(suite.overrides) + "\n", encoding="utf-8")
    python = str(environment / "bin" / "python")
    install = ["-m", "uv", "pip", "install", "--quiet", "--python", python]
    _call([*install, "--override", str(overrides), *wanted])


def _unpack(python: Path, folder: Path, requirement: str) -> None:
    """The source distribution; its build tool, which says what it is, is in the environment."""
    folder.mkdir(parents=True, exist_ok=True)
    download = ["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    _call([*download, "--no-build-isolation", "--dest", str(folder), requirement], python)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")


def _call(arguments: list[str], python: str | Path = sys.executable) -> None:
    finished = subprocess.run(
        [python, *arguments], capture_output=True, text=True, timeout=1200, check=False
    )
    if finished.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments[1:4])} failed:\n{finished.stderr}")
