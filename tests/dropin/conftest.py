"""Real virtual environments in a temporary folder, with a real wheel installed into them."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The newest official packages that we are compared with (tests/requirements-official.txt).
API, BETA = "1.45.1", "0.66b1"


def pytest_itemcollected(item: pytest.Item) -> None:
    """The first test of a run also waits until the wheel is built."""
    item.add_marker(pytest.mark.timeout(1800))


@dataclass(frozen=True)
class Environment:
    """A virtual environment; packages come from the usual registry, oxitel from the wheel."""

    folder: Path
    wheel: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        (found,) = (self.folder / "lib").glob("python3.*/site-packages")
        return found

    def install(self, *requirements: str, dependencies: bool = True) -> None:
        """`oxitel` stands for the wheel."""
        named = [str(self.wheel) if name == "oxitel" else name for name in requirements]
        # The wheel is rebuilt under one version, so a cached one could be an older build.
        uv(
            *("pip", "install", "--quiet", "--refresh-package", "oxitel"),
            *(["--no-deps"] if not dependencies else []),
            *("--python", str(self.python), *named),
        )

    def uninstall(self, *names: str) -> None:
        uv("pip", "uninstall", "--quiet", "--python", str(self.python), *names)

    def run(self, program: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the program in a clean environment; it has to end well within a minute."""
        return subprocess.run(
            [self.python, *options, "-c", program],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def output(self, program: str, *options: str) -> str:
        """What the program prints; it must succeed and say nothing on standard error."""
        finished = self.run(program, *options)
        assert (finished.returncode, finished.stderr) == (0, "")
        return finished.stdout.strip()


def clean_environment() -> dict[str, str]:
    """The environment without what would change imports or telemetry."""
    unwanted = ("PYTHON", "OTEL_", "OXITEL_", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def uv(*arguments: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release wheel for the interpreter of this run; cargo has nothing left to compile."""
    if given := os.environ.get("OXITEL_WHEEL"):
        return Path(given).resolve()
    folder = tmp_path_factory.mktemp("wheels")
    command = [
        *(sys.executable, "-m", "maturin", "build", "--release", "--quiet"),
        *("--interpreter", sys.executable, "--out", str(folder)),
    ]
    finished = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False
    )
    assert finished.returncode == 0, finished.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def make_environment(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Environment]:
    def make(*requirements: str) -> Environment:
        folder = tmp_path_factory.mktemp("environment")
        uv("venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder))
        environment = Environment(folder, wheel)
        if requirements:
            environment.install(*requirements)
        return environment

    return make


# The situations that several tests only look at; a test that changes its environment makes its own.


@pytest.fixture(scope="session")
def official_absent(make_environment: Callable[..., Environment]) -> Environment:
    return make_environment("oxitel", f"opentelemetry-api=={API}")


@pytest.fixture(scope="session")
def official_present(make_environment: Callable[..., Environment]) -> Environment:
    return make_environment(
        "oxitel", f"opentelemetry-sdk=={API}", f"opentelemetry-exporter-otlp=={API}"
    )
