"""The settings of the buffer on disk, as the native queues take them."""

from __future__ import annotations

import os
import sys

from oxitel.quantity import seconds_of
from oxitel.variables import buffer
from oxitel.variables.variable import value_of

SHARED_MEMORY = "/dev/shm"


def settings() -> tuple[str, int, float, float, str | None, str] | None:
    """Directory, limit in bytes, greatest age and interval of writing in milliseconds, the folder
    of the journal, and the program; None where no directory is named."""
    directory = buffer.BUFFER_DIRECTORY.read()
    if directory is None:
        return None
    program = sys.argv[0] if sys.argv else ""
    return (
        state_directory() if directory == "auto" else os.path.abspath(directory),
        buffer.BUFFER_MAX_BYTES.read(),
        seconds_of(buffer.BUFFER_MAX_AGE.read()) * 1000,
        seconds_of(buffer.BUFFER_INTERVAL.read()) * 1000,
        _journal(),
        os.path.abspath(program) if program not in ("", "-c", "-m") else program,
    )


def _journal() -> str | None:
    folder = buffer.BUFFER_JOURNAL.read()
    if folder == "off" or sys.platform != "linux":
        return None
    return SHARED_MEMORY if folder == "auto" else os.path.abspath(folder)


def state_directory() -> str:
    """Where a program keeps what outlives it: what systemd has made for it, or the user's folder
    for that. Never one for temporary files, which everybody can write to."""
    made = (value_of("STATE_DIRECTORY") or "").split(":")[0]
    if made:
        return made
    state = value_of("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(state, "oxitel")
