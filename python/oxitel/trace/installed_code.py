"""Tells logfire which code is installed and not the user's, whose lines it gives spans
(`code.filepath`): it takes the folder that holds `opentelemetry.sdk` for that of all packages.
"""

from __future__ import annotations

import os
import sys
from logging import getLogger

import opentelemetry.trace as official_api

import oxitel

_logger = getLogger("oxitel")
_told: object = None


def tell_logfire() -> None:
    """Once for each `logfire` that is imported; by the function it has for other libraries."""
    global _told
    logfire = sys.modules.get("logfire")
    if logfire is _told:
        return
    try:
        # Where the official SDK would be, and ourselves where we are somewhere else.
        logfire.add_non_user_code_prefix(_folder_above(official_api.__file__, 3))  # type: ignore[union-attr]
        logfire.add_non_user_code_prefix(_folder_above(oxitel.__file__, 1))  # type: ignore[union-attr]
    except Exception:
        # An old version, or one that is still being imported.
        _logger.debug("logfire could not be told where packages are installed", exc_info=True)
    else:
        _told = logfire


def _folder_above(file: str, levels: int) -> str:
    for _ in range(levels):
        file = os.path.dirname(file)
    return os.path.abspath(file)
