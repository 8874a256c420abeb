"""`oxitel view`: the viewer, a program of its own that the distribution `oxitel-viewer` brings.

It is found as ruff finds its own: beside this interpreter, beside the one it was made of, where
`pip install --user` and `--target` put programs, and on PATH.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from oxitel.variables.commands import OXITEL_VIEWER

HELP = "Show what arrives: a page and a terminal view, and answers for programs."

_MISSING = (
    "the viewer is not installed. Install it: pip install 'oxitel[viewer]',"
    " or put oxitel-viewer on PATH"
)
_PROGRAM = "oxitel-viewer.exe" if os.name == "nt" else "oxitel-viewer"
_START_SECONDS = 10.0


def view(arguments: Sequence[str]) -> int:
    """Become the viewer. Returns the exit status if that fails: 4, as where no viewer runs."""
    program = find()
    if program is None:
        sys.stderr.write(f"oxitel view: {_MISSING}\n")
        return 4
    # Without a verb it starts.
    given = list(arguments) or ["start"]
    if given[0].startswith("-") and given[0] not in ("-h", "--help", "-V", "--version"):
        given.insert(0, "start")
    command = [str(program), *given]
    if os.name == "nt":
        # There exec would return to the shell at once.
        return subprocess.call(command)
    try:
        os.execv(program, command)
    except OSError as error:
        sys.stderr.write(f"oxitel view: {program}: {error.strerror}\n")
        return 4


def find() -> Path | None:
    """The viewer's program; None if there is none."""
    named = OXITEL_VIEWER.text()
    if named is not None:
        return Path(named)
    return next((path for folder in _folders() if (path := folder / _PROGRAM).is_file()), None)


def _folders() -> Iterator[Path]:
    yield Path(sysconfig.get_path("scripts"))
    yield Path(sysconfig.get_path("scripts", vars={"base": sys.base_prefix}))
    package = Path(__file__).resolve().parents[1]
    # `--prefix`: …/lib/python3.13/site-packages/oxitel; `--target`: …/oxitel.
    if len(package.parents) > 3:
        yield package.parents[3] / ("Scripts" if os.name == "nt" else "bin")
    yield package.parents[0] / "bin"
    yield Path(sysconfig.get_path("scripts", scheme=sysconfig.get_preferred_scheme("user")))
    yield from (Path(folder) for folder in os.get_exec_path() if folder)


def start() -> str | None:
    """Start a viewer for this directory, or find the one that runs, and have this process and its
    children send to it. Returns what is wrong, if something is."""
    program = find()
    if program is None:
        return _MISSING
    with tempfile.TemporaryDirectory(prefix="oxitel-view-") as folder:
        ports = Path(folder) / "ports.json"
        try:
            process = subprocess.Popen(
                [program, "start", "--quiet", "--ports-file", ports],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # It outlives the program: its data is to be looked at.
                start_new_session=True,
            )
        except OSError as error:
            return f"{program}: {error.strerror}"
        ends = time.monotonic() + _START_SECONDS
        while not ports.exists():
            if process.poll() not in (None, 0) or time.monotonic() > ends:
                return f"{program} did not start"
            time.sleep(0.02)
        told = json.loads(ports.read_text(encoding="utf-8"))
    os.environ.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{told['grpc']}")
    sys.stderr.write(f"oxitel: the page is at http://127.0.0.1:{told['http']}\n")
    return None
