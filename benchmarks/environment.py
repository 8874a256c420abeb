"""Makes the environment of the third column: the official packages and fastotel on top of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from session import FOLDER

ROOT = FOLDER.parent
PLACE = ROOT / ".venv-fastotel"
REQUIREMENTS = FOLDER / "requirements-fastotel.txt"
OFFICIAL_REQUIREMENTS = ROOT / "tests" / "requirements-official.txt"


def uv() -> str | None:
    return shutil.which("uv", path=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}")


def fastotel(official: str) -> str:
    """The environment's python, on the same Python as the official one; empty if it cannot be."""
    python = PLACE / "bin" / "python"
    ready = PLACE / ".ready"
    if ready.exists():
        return str(python)
    tool = uv()
    if tool is None:
        print("fastotel is left out: uv, which makes its environment, was not found")
        return ""
    install = [tool, "pip", "install", "--quiet", "--python", str(python), "-r", str(REQUIREMENTS)]
    if OFFICIAL_REQUIREMENTS.exists():
        install += ["-r", str(OFFICIAL_REQUIREMENTS)]
    commands: list[list[str]] = [
        [tool, "venv", "--quiet", "--allow-existing", "--python", base(official), str(PLACE)],
        install,
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"fastotel is left out: its environment could not be made\n{done.stderr}")
            return ""
    ready.touch()
    return str(python)


def base(python: str) -> str:
    """The interpreter that an environment was made from."""
    code = "import os, sys; print(os.path.realpath(sys.executable))"
    return Path(subprocess.check_output([python, "-c", code], text=True).strip()).as_posix()
