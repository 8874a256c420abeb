"""The command `oxitel`: finds the sub-command's module, which reads its arguments and does it.

A sub-command is a module of this package with `HELP` (one line), `add_arguments(parser)` and
`run(options)`, which returns the exit status. Only the one that is asked for is imported.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NoReturn, Protocol, cast

COMMANDS = ("run", "env", "doctor")
# Has the viewer's own arguments, which are not read here.
VIEW = "view"


class Command(Protocol):
    """What a sub-command's module has."""

    HELP: str
    add_arguments: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]


class _Formatter(RawDescriptionHelpFormatter):
    """Options and what they do in one line each."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **{**options, "max_help_position": 42})


class Parser(ArgumentParser):
    """Says what is wrong in one line, with the option that may have been meant."""

    def __init__(self, command: str, description: str) -> None:
        super().__init__(
            prog=f"oxitel {command}",
            description=description,
            formatter_class=_Formatter,
            allow_abbrev=False,
        )

    def parse_args(self, arguments: Sequence[str]) -> Namespace:  # type: ignore[override]
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            self.error(f"unknown option {unknown[0]}{self._meant(unknown[0])}")
        return options

    def error(self, message: str) -> NoReturn:
        stop = "" if message.endswith("?") else "."
        self.exit(2, f"{self.prog}: {message}{stop} Try: {self.prog} --help\n")

    def _meant(self, option: str) -> str:
        from difflib import get_close_matches

        known = [name for name in self._option_string_actions if "_" not in name]
        similar = get_close_matches(option.partition("=")[0].replace("_", "-"), known, 1)
        return f"; did you mean {similar[0]}?" if similar else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `oxitel …`; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    name = given[0] if given else ""
    if name in COMMANDS:
        command = _command(name)
        parser = Parser(name, command.HELP)
        command.add_arguments(parser)
        return command.run(parser.parse_args(given[1:]))
    if name == VIEW:
        from .view import view

        return view(given[1:])
    if name in ("-V", "--version"):
        from oxitel.version import __version__

        sys.stdout.write(f"oxitel {__version__}\n")
        return 0
    if name in ("", "-h", "--help", "help"):
        sys.stdout.write(_overview())
        return 0 if name else 2
    sys.stderr.write(f"oxitel: unknown command {name}; there are: {', '.join((*COMMANDS, VIEW))}\n")
    return 2


def _command(name: str) -> Command:
    return cast(Command, import_module(f"{__name__}.{name}"))


def _overview() -> str:
    names = (*COMMANDS, VIEW)
    lines = [f"  {name:<8}{_command(name).HELP.splitlines()[0]}" for name in names]
    return "\n".join(
        ["usage: oxitel COMMAND …", "", *lines, "", "oxitel COMMAND --help tells more.", ""]
    )
