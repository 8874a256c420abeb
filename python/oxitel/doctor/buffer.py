"""The buffer on disk: what lies in its directory. Nothing is locked or changed there."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import basename
from time import time
from typing import Any

from oxitel.export.buffer import settings
from oxitel.variables.variable import reading
from oxitel.variables.zero_code import CONFIG_FILE

from .bounded import bounded
from .report import Report

_CHECK = "buffer"
_PATIENCE_SECONDS = 10.0
# Files that are looked into; the others are counted.
_MOST = 1000
# A process that begins takes over what others have left within seconds.
_ORPHANED_SECONDS = 120.0


def check(report: Report) -> None:
    """Note the files of the buffer, if there is one."""
    directory = _directory()
    if directory is None:
        return
    from oxitel._native import buffer_files

    found = bounded(_PATIENCE_SECONDS, buffer_files, directory, _MOST)
    now = time()
    segments = [_segment(entry, now) for entry in found["files"]]
    report.facts[_CHECK] = {
        "directory": directory,
        "files": found["count"],
        "bytes": found["bytes"],
        "strangers": found["strangers"],
        "segments": segments,
    }
    _judge(report, directory, found, segments)


def _directory() -> str | None:
    path = CONFIG_FILE.text()
    if path is None:
        used = settings()
    else:
        from oxitel.setup.file.configure import _buffer_variables
        from oxitel.setup.file.document import Unusable, read, text_of
        from oxitel.setup.file.section import Messages, Section

        try:
            root = Section(read(path, text_of(path)), "", Messages(path))
        except Unusable:
            # That is said of the settings.
            return None
        with reading(_buffer_variables(root)):
            used = settings()
    return None if used is None else used[0]


def _segment(entry: Mapping[str, Any], now: float) -> dict[str, Any]:
    facts = {**entry, "file": basename(entry["path"])}
    # The younger of what it says itself and what the file system says: a clock may have been wrong.
    dates = [facts.pop(name, None) for name in ("created_unix", "modified_unix")]
    known = [date for date in dates if date]
    facts["age_seconds"] = round(max(now - max(known), 0.0), 1) if known else None
    del facts["path"]
    return facts


def _judge(
    report: Report, directory: str, found: Mapping[str, Any], segments: list[dict[str, Any]]
) -> None:
    for kind, text, advice in (
        ("damaged", "cannot be read", "they are deleted when they are too old"),
        ("newer", "are of a later release", "a process of that release delivers them"),
    ):
        names = [segment["file"] for segment in segments if segment["kind"] == kind]
        if names:
            grade = "warning" if kind == "damaged" else "note"
            report.find(grade, _CHECK, f"{_files(len(names))} in {directory} {text}", advice)
    waiting = [
        segment
        for segment in segments
        if segment.get("is_owned") is False and (segment["age_seconds"] or 0) > _ORPHANED_SECONDS
    ]
    if waiting:
        services = sorted({f"{segment['service']} ({segment['signal']})" for segment in waiting})
        report.find(
            "note",
            _CHECK,
            f"{_files(len(waiting))} of processes that have ended wait in {directory}:"
            f" {', '.join(services[:5])}{', …' if len(services) > 5 else ''}",
            "the next process of the same service with the same endpoint delivers them",
        )
    if found["strangers"]:
        report.find(
            "note",
            _CHECK,
            f"{_files(found['strangers'])} in {directory} are links, no regular files, or not this"
            " user's alone, and are left alone",
        )


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"
