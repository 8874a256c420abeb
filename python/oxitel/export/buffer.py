"""The settings of the buffer on disk, as the native queues take them."""

from __future__ import annotations

import os
import sys

from oxitel.quantity import seconds_of
from oxitel.variables import buffer
from oxitel.variables.variable import say_once, value_of

SHARED_MEMORY = "/dev/shm"


def settings() -> tuple[str, int, float, float, str | None, str] | None:
    """Directory, limit in bytes, greatest age and interval of writing in milliseconds, the folder
    of the journal, and the program; None where no directory is named."""
    directory = buffer.BUFFER_DIRECTORY.read()
    if directory is None:
        return None
    path = state_directory() if directory == "auto" else _absolute(directory)
    if path is None:
        expected = "a directory, since there is no home directory"
        say_once(buffer.BUFFER_DIRECTORY.name, directory, expected, "no buffer on disk")
        return None
    return (
        path,
        buffer.BUFFER_MAX_BYTES.read(),
        seconds_of(buffer.BUFFER_MAX_AGE.read()) * 1000,
        seconds_of(buffer.BUFFER_INTERVAL.read()) * 1000,
        _journal(),
        _program(),
    )


def _absolute(path: str) -> str:
    """The same place wherever the program goes. What starts it may be no shell, which would know
    what `~` is; and the folder that it was started in may be gone."""
    path = os.path.expanduser(path)
    try:
        return os.path.abspath(path)
    except OSError:
        return path


def _program() -> str:
    program = sys.argv[0] if sys.argv else ""
    if program not in ("", "-c", "-m"):
        program = _absolute(program)
    # It may have bytes that are no text.
    return program.encode("utf-8", "replace").decode()


def _journal() -> str | None:
    folder = buffer.BUFFER_JOURNAL.read()
    if folder == "off" or sys.platform != "linux":
        return None
    return SHARED_MEMORY if folder == "auto" else _absolute(folder)


def state_directory() -> str | None:
    """Where a program keeps what outlives it: what systemd has made for it, or the user's folder
    for that. Never one for temporary files, which everybody can write to."""
    made = (value_of("STATE_DIRECTORY") or "").split(":")[0]
    if made:
        return _absolute(made)
    # A relative one is to be ignored (XDG Base Directory Specification).
    for state in (value_of("XDG_STATE_HOME") or "", os.path.expanduser("~/.local/state")):
        if os.path.isabs(state):
            return os.path.join(state, "oxitel")
    return None
