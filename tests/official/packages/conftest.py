"""The environment of tests/requirements-packages.txt, made once and kept in `.work`."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = ROOT / "tests/requirements-packages.txt"


def pytest_itemcollected(item: pytest.Item) -> None:
    """The first test of a run also waits until the environment is made."""
    item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def packages_python() -> Path:
    """The interpreter of an environment with the official SDK and the packages that need it."""
    if given := os.environ.get("OXITEL_PACKAGES_PYTHON"):
        return Path(given).absolute()
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    work = ROOT / ".work"
    work.mkdir(exist_ok=True)
    folder = work / f"packages-{digest}"
    with (work / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
            _uv("pip", "install", "--quiet", "--python", str(folder), "-r", str(REQUIREMENTS))
            (folder / "ready").touch()
    return folder / "bin" / "python"


def _uv(*arguments: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
