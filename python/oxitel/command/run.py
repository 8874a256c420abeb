"""`oxitel run`: sets variables from options and becomes the command, with telemetry switched on.

Official name: the command `opentelemetry-instrument`, whose options (every variable without its
`OTEL_` or `OTEL_PYTHON_`) are understood too.
"""

from __future__ import annotations

import os
import sys
from argparse import REMAINDER, SUPPRESS, Action, ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Iterator
from typing import Any

from oxitel.variables import buffer, instrumentation, otlp, sdk, zero_code
from oxitel.variables.registry import each_form
from oxitel.variables.variable import Variable

HELP = "Run a program with telemetry, without changing it."

_USAGE = "oxitel run [options] command [arguments …]"
_EPILOG = """\
examples:
  oxitel run --service-name orders python app.py
  oxitel run --traces-exporter otlp,console gunicorn --workers 4 app:application
  oxitel run --exporter-otlp-endpoint http://collector:4317 celery -A tasks worker

Each option sets the variable of its name for the program and its child processes: --service-name
sets OTEL_SERVICE_NAME. Every other variable OTEL_… is an option too; --help-all lists them.
"""
# What --help shows, with the word for the value.
_SHOWN = {
    "OTEL_SERVICE_NAME": ("NAME", "what this service is called"),
    "OTEL_RESOURCE_ATTRIBUTES": ("KEY=VALUE,…", "what else is known of it"),
    "OTEL_TRACES_EXPORTER": ("NAMES", "otlp (default), console, none"),
    "OTEL_METRICS_EXPORTER": ("NAMES", "the same"),
    "OTEL_LOGS_EXPORTER": ("NAMES", "the same"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("URL", "where to send: http://localhost:4317 (default)"),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("NAME", "grpc (default) or http/protobuf"),
    "OTEL_EXPORTER_OTLP_HEADERS": ("KEY=VALUE,…", "sent with each request"),
    "OTEL_TRACES_SAMPLER": ("NAME", "parentbased_always_on (default), traceidratio, …"),
    "OTEL_TRACES_SAMPLER_ARG": ("VALUE", "as 0.1, for traceidratio"),
    "OTEL_PROPAGATORS": ("NAMES", "tracecontext,baggage (default), b3, …"),
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ("NAMES", "as flask,redis; * for all"),
    "OTEL_CONFIG_FILE": ("PATH", "configure by this file instead"),
    "OXITEL_BUFFER_DIRECTORY": (
        "PATH",
        "keep there what is not delivered yet",
    ),
}
# Other packages add names to these.
_OPEN = ("OTEL_TRACES_SAMPLER",)
# The folder with the official command's own sitecustomize: one of the two is enough.
_OFFICIAL_FOLDER = os.path.join("opentelemetry", "instrumentation", "auto_instrumentation")


def add_arguments(parser: ArgumentParser) -> None:
    parser.usage = _USAGE
    parser.epilog = _EPILOG
    parser.add_argument("--view", action="store_true", help="show telemetry in a local viewer")
    add_variables(parser)
    parser.add_argument("command", nargs=REMAINDER, help=SUPPRESS)


def add_variables(parser: ArgumentParser) -> None:
    """Add an option for each variable."""
    parser.add_argument("--help-all", action=_HelpAll, nargs=0, help="show every option and exit")
    for variable in _variables():
        options = _options(variable.name, parser._option_string_actions)
        if not options:
            continue
        metavar, text = _SHOWN.get(variable.name, ("VALUE", SUPPRESS))
        action = parser.add_argument(
            options[0],
            dest=variable.name,
            metavar=metavar,
            type=_checked(variable),
            help=text,
        )
        # Understood, and not worth a line of the help.
        for option in options:
            parser._option_string_actions[option] = action
            parser._option_string_actions[f"--{option[2:].replace('-', '_')}"] = action


def run(options: Namespace) -> int:
    command: list[str] = options.command
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        return _failed(2, "no command given. Try: oxitel run --help")
    set_variables(options)
    if options.view:
        from .view import start

        problem = start()
        if problem is not None:
            return _failed(4, f"--view: {problem}")
    folder = folder_of_sitecustomize()
    os.environ["PYTHONPATH"] = python_path(folder, os.environ.get("PYTHONPATH", ""))
    return _become(command)


def set_variables(options: Namespace) -> list[str]:
    """Set the variables that were given as options; returns their names."""
    names = []
    for name, value in vars(options).items():
        if name.startswith(("OTEL_", "OXITEL_")) and value is not None:
            os.environ[name] = value
            names.append(name)
    return names


def _variables() -> Iterator[Variable]:
    """Each variable that somebody declares, ours first."""
    seen = set()
    for variable in each_form(sdk, buffer, zero_code, otlp, instrumentation):
        seen.add(variable.name)
        yield variable
    for name in _names_of_other_packages():
        if name not in seen:
            seen.add(name)
            yield Variable(name, None, "")


def _names_of_other_packages() -> Iterator[str]:
    try:
        from opentelemetry.util._importlib_metadata import entry_points
    except ImportError:
        # The program that is started says what is wrong with the environment.
        return
    try:
        found = entry_points(group="opentelemetry_environment_variables")
    except Exception:
        # A package whose metadata cannot be read is nobody's to mend here.
        return
    for entry_point in found:
        try:
            names = dir(entry_point.load())
        except Exception:
            # The program gets along without it, and may say what is wrong with the package.
            continue
        yield from (name for name in names if name.startswith("OTEL_"))


def _options(name: str, taken: dict[str, Action]) -> list[str]:
    """The options for a variable: without `OTEL_PYTHON_`, without `OTEL_`, if they are free."""
    words = name.lower().replace("_", "-").split("-")[1:]
    forms = [words]
    if words[:1] == ["python"]:
        forms.insert(0, words[1:])
    return [option for form in forms if (option := f"--{'-'.join(form)}") not in taken]


def _checked(variable: Variable) -> Callable[[str], str]:
    """Refuses what the variable could not be used with; the text stays as it is."""

    def check(text: str) -> str:
        if text and variable.name not in _OPEN:
            try:
                variable.parse(text.strip())
            except ValueError:
                raise ArgumentTypeError(f"expected {variable.expected}, not {text!r}") from None
        return text

    return check


class _HelpAll(Action):
    """Shows the options that the short help leaves out as well."""

    def __call__(self, parser: ArgumentParser, *_: Any) -> None:
        texts = {variable.name: variable.description for variable in _variables()}
        for action in parser._actions:
            if action.dest in texts:
                # argparse formats help texts with %.
                text = texts[action.dest].replace("`", "").replace("%", "%%")
                action.help = f"{action.dest}. {text}" if text else action.dest
        parser.print_help()
        parser.exit()


def folder_of_sitecustomize(site_packages: str | None = None) -> str:
    """The folder of ours that has to be on PYTHONPATH, where `site_packages` has the package; by
    default, here."""
    import oxitel

    here = os.path.dirname(os.path.dirname(oxitel.__file__))
    return os.path.join(site_packages or here, "oxitel", "setup", "zero_code", "path")


def python_path(folder: str, present: str) -> str:
    """PYTHONPATH with `folder` at its head, and without the official command's."""
    others = (path for path in present.split(os.pathsep) if path and path != folder)
    kept = [path for path in others if not os.path.normpath(path).endswith(_OFFICIAL_FOLDER)]
    return os.pathsep.join([folder, *kept])


def _become(command: list[str]) -> int:
    """Replace this process by the command. Returns the exit status if that fails, as shells do."""
    if os.name == "nt":
        # There exec would return to the shell at once.
        import subprocess

        try:
            return subprocess.call(command)
        except OSError as error:
            return _failed(127, f"{command[0]}: {error.strerror}")
    # A frequent slip.
    hint = f" (try: oxitel run python {command[0]})" if command[0].endswith(".py") else ""
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        from shutil import which

        if which(command[0]) is None:
            return _failed(127, f"{command[0]}: command not found{hint}")
        return _failed(127, f"{command[0]}: the interpreter that it names does not exist")
    except OSError as error:
        return _failed(126, f"{command[0]}: {error.strerror}{hint}")


def _failed(status: int, message: str) -> int:
    sys.stderr.write(f"oxitel run: {message}\n")
    return status
