"""The variables of the buffer on disk, all of them additions of Oxitel."""

from __future__ import annotations

from .variable import Integer, Variable

_MIB = 1 << 20


class AtLeast(Integer):
    """A whole number that is not below `minimum`, which is more than one."""

    __slots__ = ()

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"an integer of at least {self.minimum}"


BUFFER_DIRECTORY = Variable(
    "OXITEL_BUFFER_DIRECTORY",
    None,
    "Where spans and log records are kept that are not delivered yet, so that they outlive the"
    " process; several processes and services may share it. `auto` is `$STATE_DIRECTORY` of"
    " systemd, else `oxitel` in `$XDG_STATE_HOME` or `~/.local/state`. See"
    " [the buffer](durable-buffer.md).",
    default_text="no buffer on disk",
)
BUFFER_MAX_BYTES = AtLeast(
    "OXITEL_BUFFER_MAX_BYTES",
    256 * _MIB,
    "Most bytes in `OXITEL_BUFFER_DIRECTORY`; the oldest records give way.",
    minimum=_MIB,
)
BUFFER_MAX_AGE = AtLeast(
    "OXITEL_BUFFER_MAX_AGE",
    48 * 60 * 60 * 1000,
    "Milliseconds after which records in `OXITEL_BUFFER_DIRECTORY` are deleted.",
    minimum=1000,
)
BUFFER_INTERVAL = AtLeast(
    "OXITEL_BUFFER_INTERVAL",
    200,
    "Milliseconds between two writes to `OXITEL_BUFFER_DIRECTORY`: what ended since the last one is"
    " in `OXITEL_BUFFER_JOURNAL` alone.",
    minimum=10,
)
BUFFER_JOURNAL = Variable(
    "OXITEL_BUFFER_JOURNAL",
    "auto",
    "A folder in memory (tmpfs) for what is not in `OXITEL_BUFFER_DIRECTORY` yet, so that a process"
    " that is killed loses nothing. `auto` is `/dev/shm`, and `off` goes without.",
)
