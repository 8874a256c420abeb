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
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from official.suites.catalog import Suite

ROOT = Path(__file__).resolve().parents[3]
WORK = ROOT / ".work" / "suites"
SIDES = ("official", "oxitel")
PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"


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
    """Downloads and installs, once for each version of the requirements."""
    wanted = repr((suite.version, suite.requirements, suite.overrides, sys.version))
    digest = hashlib.sha256(wanted.encode()).hexdigest()[:12]
    folder = WORK / f"{name}-{suite.version}-{digest}"
    with _alone(name):
        if not (folder / "ready").exists():
            _make(folder, name, suite)
            (folder / "ready").touch()
    (source,) = (folder / "source").iterdir()
    return Prepared(folder / "environment" / "bin" / "python", source)


def run(prepared: Prepared, suite: Suite, side: str, tests: tuple[str, ...]) -> Side:
    """The outcome of each of `tests`, files and folders of the source, on one side."""
    report = prepared.source.parent.parent / f"{side}.xml"
    report.unlink(missing_ok=True)
    dropped = ("PYTHON", "OTEL_", "OXITEL_", "VIRTUAL_ENV", "PYTEST")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(dropped)
    }
    command = [str(prepared.python), "-m", "pytest", "-q"]
    if side == "oxitel":
        environment["PYTHONPATH"] = str(ROOT / "python")
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
        files = {_file_of(name, prepared.source) for name in failed}
        again = run(prepared, suite, "oxitel", tests if "" in files else tuple(sorted(files)))
        failed -= again.of(PASSED)
    return official, ours, failed


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


def _make(folder: Path, name: str, suite: Suite) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    download = ["pip", "download", "--quiet", "--no-deps", "--no-binary", name]
    _call([*download, "--dest", str(folder), f"{name}=={suite.version}"])
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "source", filter="data")
    environment = folder / "environment"
    _call(["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)])
    overrides = folder / "overrides.txt"
    overrides.write_text("\n".join(suite.overrides) + "\n", encoding="utf-8")
    install = ["uv", "pip", "install", "--quiet", "--python", str(environment)]
    wanted = [str(archive), "pytest", "pytest-timeout", *suite.requirements]
    _call([*install, "--override", str(overrides), *wanted])


def _call(module: list[str]) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", *module], capture_output=True, text=True, timeout=1200, check=False
    )
    if finished.returncode != 0:
        raise RuntimeError(f"{' '.join(module[:3])} failed:\n{finished.stderr}")
