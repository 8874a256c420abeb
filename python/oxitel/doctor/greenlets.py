"""gevent and eventlet: whether they patch before instrumentations import what is to be patched."""

from __future__ import annotations

from collections.abc import Sequence

from oxitel.variables import instrumentation as variables
from oxitel.variables.commands import GUNICORN_CMD_ARGS

from .packages import version_of
from .report import Report

_CHECK = "instrumentations"
_PATCHED = f"{variables.GEVENT_PATCH.name}=patch_all"
# Programs that run on gevent without saying so on their command line.
_ON_GEVENT = ("locust",)


def check(report: Report, command: Sequence[str]) -> None:
    """`command` is what `oxitel run` would start, if that is known."""
    words = [word.lower() for word in (*command, GUNICORN_CMD_ARGS.text() or "")]
    if version_of("gevent") is not None and variables.GEVENT_PATCH.text() is None:
        is_used = any("gevent" in word or word.endswith(_ON_GEVENT) for word in words)
        consequence = "the instrumentations import ssl and others before gevent patches them"
        if is_used:
            report.find(
                "warning", _CHECK, f"the program runs on gevent: {consequence}", f"set {_PATCHED}"
            )
        elif not command:
            report.find(
                "note",
                _CHECK,
                f"gevent is installed; in a program that patches with it {consequence}",
                f"set {_PATCHED} for such a program",
            )
    if version_of("eventlet") is not None and any("eventlet" in word for word in words):
        report.find(
            "warning",
            _CHECK,
            "the program runs on eventlet: the instrumentations import what it patches before it"
            " does",
            "call eventlet.monkey_patch() in a sitecustomize.py on PYTHONPATH, which is run first",
        )
    disabled = variables.DISABLED_INSTRUMENTATIONS.read()
    if any("gevent" in word or "eventlet" in word for word in words) and (
        "threading" in disabled or "*" in disabled
    ):
        report.find(
            "warning",
            _CHECK,
            "the instrumentation threading is disabled, without which greenlets that are spawned"
            " begin without a context",
            f"take threading out of {variables.DISABLED_INSTRUMENTATIONS.name}",
        )
