"""`oxitel view` and `oxitel run --view`: how the viewer's program is found and started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def oxitel(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command, with nothing on PATH."""
    return subprocess.run(
        [sys.executable, "-m", "oxitel", *arguments],
        env={**os.environ, "PATH": "/nowhere", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A viewer that tells its arguments, and ports as one that has started."""
    path = tmp_path / "viewer"
    path.write_text(
        f"#!{sys.executable}\n"
        "import os, sys\n"
        "if '--ports-file' in sys.argv:\n"
        "    path = sys.argv[sys.argv.index('--ports-file') + 1]\n"
        "    open(path + '.partial', 'w').write('{\"grpc\": 14317, \"http\": 14318}')\n"
        "    os.rename(path + '.partial', path)\n"
        "print(sys.argv[1:])\n"
        "sys.exit(3)\n"
    )
    path.chmod(0o755)
    return path


def test_the_viewer_takes_the_place_of_the_command_with_its_arguments(program: Path) -> None:
    for given, told in [
        (["traces", "a b", "--limit", "3"], ["traces", "a b", "--limit", "3"]),
        ([], ["start"]),
        (["--memory"], ["start", "--memory"]),
        (["--help"], ["--help"]),
    ]:
        finished = oxitel("view", *given, OXITEL_VIEWER=str(program))
        assert (finished.stdout, finished.returncode) == (f"{told}\n", 3)


def test_a_viewer_that_is_not_there_is_named(tmp_path: Path) -> None:
    named = tmp_path / "none"
    finished = oxitel("view", "status", OXITEL_VIEWER=str(named))
    assert finished.returncode == 4
    assert finished.stderr == f"oxitel view: {named}: No such file or directory\n"


def test_a_program_sends_to_the_viewer_that_was_started_for_it(program: Path) -> None:
    print_endpoint = "import os; print(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'])"
    # The program itself sends nothing here.
    off = {"OTEL_SDK_DISABLED": "true", "OXITEL_VIEWER": str(program)}
    finished = oxitel("run", "--view", sys.executable, "-c", print_endpoint, **off)
    assert "the page is at http://127.0.0.1:14318" in finished.stderr
    assert finished.stdout.splitlines()[-1] == "http://127.0.0.1:14317"
