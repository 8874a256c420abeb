"""What a program calls that sets itself up as it would be without a line: `initialize()`."""

from __future__ import annotations

from logging import getLogger

__all__ = ["initialize"]

_logger = getLogger(__name__)


def initialize(*, swallow_exceptions: bool = True) -> None:
    """Have the distribution, the configurator and the installed instrumentations do their work, as
    `oxitel run` does; but where the official SDK answers imports, it is the one that is set up.

    What goes wrong is logged, and raised with `swallow_exceptions=False`.
    """
    try:
        from oxitel.setup.zero_code.start import initialize as set_up

        set_up()
    except Exception:
        _logger.exception("no telemetry from this process")
        if not swallow_exceptions:
            raise
