"""Names of the official module that want Flask imported; nothing of ours uses them."""

from __future__ import annotations

from weakref import ReferenceType, ref

import flask
from opentelemetry.util._importlib_metadata import version

flask_version = version("flask")


class _InstrumentedFlask(flask.Flask):
    """Stands for the class that is officially put in the place of `flask.Flask`."""


def _request_ctx_ref() -> ReferenceType[object]:
    return ref(flask.globals.request_ctx._get_current_object())  # type: ignore[attr-defined]
