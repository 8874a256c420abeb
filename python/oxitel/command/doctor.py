"""`oxitel doctor`: says what is configured and from where, and whether telemetry gets through."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import REMAINDER, SUPPRESS, ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from oxitel.variables.commands import NO_COLOR, TERM

HELP = """Say what is configured and from where, and whether telemetry gets through.

Takes the options of `oxitel run`, and a command, which is not run: write doctor in place of run.

Exit status: 0 if telemetry gets through, 1 if something will not work or --fail-on says so, 2 if
the arguments are wrong."""

_USAGE = "oxitel doctor [options] [command [arguments …]]"


def add_arguments(parser: ArgumentParser) -> None:
    from .run import add_variables

    parser.usage = _USAGE
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--no-connect", action="store_true", help="look at the settings only, connect nowhere"
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="most time for each step of connecting (default: 5)",
    )
    parser.add_argument(
        "--fail-on",
        choices=("error", "warning", "note"),
        default="error",
        help="the least grave finding for exit status 1 (default: error)",
    )
    # One of `oxitel run`.
    parser.add_argument("--view", action="store_true", help=SUPPRESS)
    try:
        add_variables(parser)
    except Exception:
        # Without opentelemetry-api; that is for the report to say.
        pass
    parser.add_argument("command", nargs=REMAINDER, help=SUPPRESS)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 0 to 3600")
    return seconds


def run(options: Namespace) -> int:
    from oxitel.doctor.examination import examine

    from .run import set_variables

    given = {name: _option(name) for name in set_variables(options)}
    try:
        report = examine(given, options.timeout, not options.no_connect, options.command)
    except KeyboardInterrupt:
        return 130
    report.fails_on = options.fail_on
    content = report.content()
    if options.json:
        text = _as_json(content)
    else:
        from oxitel.doctor.text import render

        try:
            text = render(content, _has_colour(), shutil.get_terminal_size((100, 24)).columns)
        except Exception:
            # What it was to show is in there.
            text = _as_json(content)
    _write(text)
    return report.exit_status


def _as_json(content: dict[str, Any]) -> str:
    import json

    return json.dumps(content, indent=2, default=str) + "\n"


def _option(name: str) -> str:
    """The option that sets the variable."""
    short = name.removeprefix("OTEL_").removeprefix("PYTHON_").removeprefix("OXITEL_")
    return f"--{short.lower().replace('_', '-')}"


def _has_colour() -> bool:
    """Only on a terminal, and not where NO_COLOR is set (no-color.org)."""
    return sys.stdout.isatty() and NO_COLOR.text() is None and TERM.text() != "dumb"


def _write(text: str) -> None:
    """Print, whatever the terminal's encoding; if the reader has gone, do nothing."""
    try:
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:
            sys.stdout.write(text.encode("ascii", "replace").decode())
        sys.stdout.flush()
    except BrokenPipeError:
        # So that the interpreter does not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
