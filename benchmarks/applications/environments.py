"""Environments of what is measured from PyPI; for applications one for each side: the official
packages with every instrumentation that they recommend, or Oxitel with those that it has none of
its own for."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

OFFICIAL, OURS = "official", "oxitel"
WITH_INSTRUMENTATIONS = "official with instrumentations"
# Where a distribution's name is not its module's.
_CALLED = {"kafka": "kafka-python"}
_OFFICIAL_PACKAGES = ("opentelemetry-distro", "opentelemetry-exporter-otlp")


class Environment:
    """A virtual environment in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"

    @property
    def python(self) -> str:
        return str(self.programs / "python")

    def install(self, *requirements: str) -> None:
        if requirements:
            _uv("pip", "install", "--quiet", "--python", self.python, *requirements)

    def output(self, *command: str) -> str:
        """What one of its programs prints."""
        environment = {key: value for key, value in os.environ.items() if key[:4] != "OTEL"}
        environment["PATH"] = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            command, env=environment, check=False, stdout=subprocess.PIPE, text=True
        ).stdout

    def versions(self, requirements: tuple[str, ...]) -> dict[str, str]:
        """The installed versions of what these name."""
        names = [distribution(requirement) for requirement in requirements]
        program = (
            "import importlib.metadata as m, json, sys;"
            "print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
        )
        found: dict[str, str] = json.loads(self.output(self.python, "-c", program, *names))
        return found


def distribution(requirement: str) -> str:
    """The name in it."""
    return re.split(r"[\[=<>~]", requirement)[0]


def plain(folder: Path, requirements: tuple[str, ...], stamp: str = "") -> Environment:
    """One with these requirements, made anew unless it is there with the same and `stamp`."""
    return _made(folder, requirements, stamp, lambda made: made.install(*requirements))


def make(folder: Path, side: str, requirements: tuple[str, ...], wheel: Path) -> Environment:
    """The environment for a side, made anew unless it is there with the same wheel."""

    def fill(environment: Environment) -> None:
        if side == OFFICIAL:
            environment.install(*requirements, *_OFFICIAL_PACKAGES)
            listed = environment.output("opentelemetry-bootstrap", "--action", "requirements")
            # All at once and without the versions that it names, which need not be on the index
            # yet: those of one release are found then.
            names = sorted({line.partition("==")[0] for line in listed.split()})
            environment.install(*requirements, *_OFFICIAL_PACKAGES, *names)
        else:
            environment.install(*requirements, str(wheel))
            report = json.loads(environment.output("oxitel", "doctor", "--json", "--no-connect"))
            missing = report["instrumentations"]["missing"]
            standard = report["instrumentations"]["missing_for_standard_library"]
            names = [entry["install"].split()[-1] for entry in (*missing, *standard)]
            environment.install(*names)

    return _made(folder, requirements, stamp_of(wheel) if side == OURS else "", fill)


def stamp_of(wheel: Path) -> str:
    return str(wheel.stat().st_mtime_ns)


def _made(
    folder: Path,
    requirements: tuple[str, ...],
    stamp: str,
    fill: Callable[[Environment], None],
) -> Environment:
    environment = Environment(folder)
    ready = folder / ".ready"
    stamp = f"{' '.join(requirements)} {stamp}"
    if not ready.exists() or ready.read_text() != stamp:
        _empty(environment)
        fill(environment)
        ready.write_text(stamp)
    return environment


def _empty(environment: Environment) -> None:
    shutil.rmtree(environment.folder, ignore_errors=True)
    _uv("venv", "--quiet", "--python", sys._base_executable, str(environment.folder))


def installed(folder: Path, wheel: Path) -> dict[str, dict[str, Any]]:
    """Packages and MiB of an environment with an SDK, exporters and instrumentations alone."""
    contrib = [
        f"opentelemetry-instrumentation-{_CALLED.get(name, name.replace('_', '-'))}"
        for name in _instrumentations(wheel)
    ]
    found = {}
    for side, requirements in (
        (OURS, [str(wheel)]),
        (OFFICIAL, ["opentelemetry-sdk", "opentelemetry-exporter-otlp"]),
        (WITH_INSTRUMENTATIONS, [*_OFFICIAL_PACKAGES, *contrib]),
    ):
        environment = Environment(folder / "installed")
        _empty(environment)
        environment.install(*requirements)
        (packages,) = environment.folder.glob("lib/*/site-packages")
        sizes = [path.stat().st_size for path in packages.rglob("*") if path.is_file()]
        found[side] = {
            "packages": len(list(packages.glob("*.dist-info"))),
            "mib": round(sum(sizes) / 2**20, 1),
        }
    return found


def _instrumentations(wheel: Path) -> list[str]:
    """The official modules of instrumentations that the wheel answers."""
    with zipfile.ZipFile(wheel) as archive:
        parts = [PurePosixPath(name).parts for name in archive.namelist()]
    prefix = ("oxitel", "dropin", "opentelemetry", "instrumentation")
    return sorted({part[4] for part in parts if part[:4] == prefix and part[5:]})


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)
