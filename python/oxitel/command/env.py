"""`oxitel env`: prints the variables by which Python programs begin with telemetry, as a shell, a
Dockerfile, systemd, Compose or Kubernetes reads them. Neither program nor command is touched then.
"""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from typing import NamedTuple

from oxitel.variables import zero_code
from oxitel.variables.sdk import RESOURCE_ATTRIBUTES, SERVICE_NAME

HELP = "Print the variables that switch telemetry on, for a shell, a Dockerfile, …"

_USAGE = "oxitel env [--format FORMAT] [options]"
_EPILOG = """\
examples:
  eval "$(oxitel env --service-name orders)"
  oxitel env --format systemd --service-name orders > /etc/orders.env
  docker run --rm IMAGE oxitel env --format kubernetes --service-name orders

Takes the options of `oxitel run`: each sets the variable of its name. To switch telemetry off
again, set OXITEL_ENABLED=false beside the others.
"""
PYTHONPATH = "PYTHONPATH"


class Form(NamedTuple):
    """How variables are written for one reader."""

    head: str
    line: Callable[[str, str], str]
    behind: str = ""
    """What the reader replaces by the PYTHONPATH that it has already, if it does that."""
    takes_lines: bool = True
    """Whether a value may have several lines."""


def _in_shell(name: str, value: str) -> str:
    # Between single quotes nothing has a meaning but the quote.
    quoted = value.replace("'", "'\\''")
    return f"export {name}='{quoted}'"


def _escaped(value: str, characters: str) -> str:
    return re.sub(f"[{re.escape(characters)}]", r"\\\g<0>", value)


def _in_dockerfile(name: str, value: str) -> str:
    return f'ENV {name}="{_escaped(value, chr(92) + chr(34) + "$")}"'


def _in_environment_file(name: str, value: str) -> str:
    return f'{name}="{_escaped(value, chr(92) + chr(34) + "$`")}"'


def _in_yaml(value: str) -> str:
    """Text between double quotes, where Compose and Kubernetes both take `$$` for `$`."""
    return json.dumps(value.replace("$", "$$"), ensure_ascii=False)


FORMS = {
    "shell": Form("", _in_shell, '"${PYTHONPATH:+:$PYTHONPATH}"'),
    "docker": Form("", _in_dockerfile, "${PYTHONPATH:+:$PYTHONPATH}", takes_lines=False),
    "systemd": Form("", _in_environment_file, takes_lines=False),
    "compose": Form("environment:", lambda name, value: f"  {name}: {_in_yaml(value)}"),
    "kubernetes": Form(
        "env:", lambda name, value: f"  - name: {name}\n    value: {_in_yaml(value)}"
    ),
}


def add_arguments(parser: ArgumentParser) -> None:
    from .run import add_variables

    parser.usage = _USAGE
    parser.epilog = _EPILOG
    parser.add_argument(
        "--format", choices=FORMS, default="shell", help=f"{', '.join(FORMS)}; shell if not given"
    )
    parser.add_argument(
        "--site-packages",
        metavar="PATH",
        help="the folder that oxitel is installed in where the program runs, if not this one",
    )
    add_variables(parser)


def run(options: Namespace) -> int:
    form = FORMS[options.format]
    given = {
        name: value
        for name, value in vars(options).items()
        if name.startswith(("OTEL_", "OXITEL_")) and value is not None
    }
    for name, value in given.items():
        if not form.takes_lines and re.search(r"[\r\n]", value):
            sys.stderr.write(
                f"oxitel env: the value for {name} has several lines, which cannot be written for"
                f" {options.format}\n"
            )
            return 2
    sys.stdout.write("\n".join(_lines(form, given, options.site_packages)) + "\n")
    return 0


def _lines(form: Form, given: dict[str, str], site_packages: str | None) -> Iterator[str]:
    enabled = zero_code.ENABLED.name
    yield f"# Python programs that have these send telemetry. {enabled}=false switches it off."
    if SERVICE_NAME.name not in given and RESOURCE_ATTRIBUTES.name not in given:
        yield f"# The service has no name here: add --service-name, or set {SERVICE_NAME.name}."
    if form.head:
        yield form.head
    yield from (form.line(name, value) for name, value in ({enabled: "true"} | given).items())
    yield _python_path(form, site_packages)


def _python_path(form: Form, site_packages: str | None) -> str:
    from .run import folder_of_sitecustomize, python_path

    folder = folder_of_sitecustomize(site_packages)
    if not form.behind:
        return form.line(PYTHONPATH, python_path(folder, os.environ.get(PYTHONPATH, "")))
    line = form.line(PYTHONPATH, folder)
    # The reader looks for its own value between double quotes.
    return line[:-1] + form.behind + '"' if line.endswith('"') else line + form.behind
