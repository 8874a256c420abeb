"""The command line of `oxitel run`: options, their messages, and what becomes of the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command.run.conftest import OXITEL_RUN, PROGRAMS

Start = Callable[..., Any]


def describe(finished: Any) -> dict[str, Any]:
    assert (finished.exit_code, finished.stderr) == (0, "")
    description: dict[str, Any] = json.loads(finished.stdout)
    return description


@pytest.fixture
def refused(environment: dict[str, str]) -> Callable[..., tuple[int, str]]:
    """Runs a command line that starts nothing: its exit status and message."""

    def refused(*arguments: str) -> tuple[int, str]:
        finished = subprocess.run(
            [*OXITEL_RUN, *arguments], env=environment, capture_output=True, text=True, timeout=60
        )
        assert finished.stdout == ""
        return finished.returncode, finished.stderr

    return refused


def test_options_set_the_variables_of_their_names(start: Start) -> None:
    program = start(
        *("python", str(PROGRAMS / "described.py"), "--service-name", "not ours"),
        options=(
            *("--service-name", "orders", "--traces-exporter=none"),
            # As the official command spells them, and a name that only another package declares.
            *("--exporter_otlp_timeout", "5", "--bsp-schedule-delay", "250"),
            *("--python-id-generator", "random", "--semconv-stability-opt-in", "http"),
        ),
        env={"OTEL_SERVICE_NAME": "from outside", "OTEL_BSP_MAX_QUEUE_SIZE": "100"},
    )
    described = describe(program.finish())
    expected = {
        "OTEL_SERVICE_NAME": "orders",
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "5",
        "OTEL_BSP_SCHEDULE_DELAY": "250",
        "OTEL_BSP_MAX_QUEUE_SIZE": "100",
        "OTEL_PYTHON_ID_GENERATOR": "random",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    }
    assert expected.items() <= described["environment"].items()
    assert described["argv"][1:] == ["--service-name", "not ours"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--servce-name", "x", "true"],
            "unknown option --servce-name; did you mean --service-name?",
        ),
        (["--xyzzy", "true"], "unknown option --xyzzy."),
        (
            ["--bsp-schedule-delay", "soon", "true"],
            "argument --bsp-schedule-delay: expected a positive integer, not 'soon'.",
        ),
        (["--service-name"], "argument --service-name: expected one argument."),
        (["--service-name", "x"], "no command given."),
        ([], "no command given."),
    ],
)
def test_a_wrong_option_is_one_message(
    arguments: list[str], message: str, refused: Callable[..., tuple[int, str]]
) -> None:
    assert refused(*arguments) == (2, f"oxitel run: {message} Try: oxitel run --help\n")


def test_a_command_that_cannot_be_run_is_one_message(
    refused: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text("")
    assert refused("gunicornn") == (127, "oxitel run: gunicornn: command not found\n")
    hint = f"(try: oxitel run python {script})"
    assert refused(str(script)) == (126, f"oxitel run: {script}: Permission denied {hint}\n")
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    message = "the interpreter that it names does not exist"
    assert refused(str(script)) == (127, f"oxitel run: {script}: {message}\n")


def test_the_help_is_short_and_tells_where_the_rest_is(environment: dict[str, str]) -> None:
    def help(option: str) -> str:
        finished = subprocess.run(
            [*OXITEL_RUN, option], env=environment, capture_output=True, text=True, timeout=60
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        return finished.stdout

    short = help("--help")
    assert len(short.splitlines()) < 40
    assert "--service-name NAME" in short
    assert "--bsp-schedule-delay" not in short
    assert "--help-all" in short
    assert "OTEL_BSP_SCHEDULE_DELAY. Milliseconds" in " ".join(help("--help-all").split())


def test_the_console_script_is_installed() -> None:
    script = Path(sys.executable).parent / "oxitel"
    finished = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60)
    assert finished.stdout.startswith("oxitel ")
    finished = subprocess.run([script, "runn"], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 2
    assert finished.stderr.startswith("oxitel: unknown command runn; there are: ")


def test_the_command_takes_the_place_of_the_process(start: Start) -> None:
    program = start(
        "python", "-c", "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    )
    program.wait_for_line(str(program.process.pid))
    program.signal(signal.SIGTERM)
    assert program.finish().exit_code == -signal.SIGTERM
    assert start("python", "-c", "raise SystemExit(7)").finish().exit_code == 7


def test_a_double_dash_ends_the_options(start: Start) -> None:
    assert start("--", "echo", "--", "--service-name").finish().stdout == "-- --service-name\n"
