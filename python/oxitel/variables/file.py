"""Reads a file that a variable, an argument or a configuration file names."""

from __future__ import annotations

import errno
import os
import stat

MAX_BYTES = 4 << 20


def read(path: str) -> bytes:
    """All that is in a regular file of at most 4 MiB.

    Raises OSError, with a text for people in `strerror`, for a file that cannot be read, is larger
    or has no end: a device or a pipe would block the program, or take its memory.
    """
    # Opening a pipe to which nobody writes would wait for a writer.
    without_waiting: int = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, os.O_RDONLY | without_waiting)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError(errno.EFBIG, f"it has more than {MAX_BYTES} bytes", path)
    return content
