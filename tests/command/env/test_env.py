"""`oxitel env`: each form is read as its reader does, and a program with these variables sends."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from command.run.conftest import PROGRAMS, all_but, environment, taken

__all__ = ["environment", "taken"]

OXITEL_ENV = [sys.executable, "-m", "oxitel", "env"]
# Whatever has a meaning for one of the readers.
NAME = 'it\'s $HOME "of" `orders` $(NAME) \\ $$ #1 ä'
FORMS = ("shell", "docker", "systemd", "compose", "kubernetes")

Printed = Callable[..., str]


@pytest.fixture
def printed(environment: dict[str, str]) -> Printed:
    """What `oxitel env` prints for a program that has only PROGRAMS on its path."""

    def printed(*arguments: str) -> str:
        finished = subprocess.run(
            [*OXITEL_ENV, *arguments], env=environment, capture_output=True, text=True, timeout=60
        )
        assert (finished.returncode, finished.stderr) == (0, "")
        return finished.stdout

    return printed


def read_by_shell(text: str, environment: dict[str, str]) -> dict[str, str]:
    return environment_of(["sh", "-euc", 'eval "$1"; env -0', "sh", text], environment)


def read_by_systemd(text: str, environment: dict[str, str]) -> dict[str, str]:
    # An EnvironmentFile's double quotes are the shell's, but that nothing is expanded in them
    # (systemd.exec(5)).
    assert all(re.fullmatch(r'#.*|\w+="(\\["\\$`]|[^"\\$`])*"', line) for line in text.splitlines())
    return environment_of(["sh", "-euac", 'eval "$1"; env -0', "sh", text], environment)


def environment_of(command: list[str], environment: dict[str, str]) -> dict[str, str]:
    output = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    return dict(pair.split("=", 1) for pair in output.decode().split("\0") if pair)


def read_by_docker(text: str, environment: dict[str, str]) -> dict[str, str]:
    """As Docker's builder reads ENV: a backslash keeps what has a meaning between double quotes."""
    found = dict(environment)

    def replaced(match: re.Match[str]) -> str:
        kept, name, behind = match.groups()
        if kept is not None:
            return str(kept)
        return behind.replace(f"${name}", found[name]) if found.get(name) else ""

    for line in text.splitlines():
        if not line.startswith("#"):
            (name, value) = re.fullmatch(r'ENV (\w+)="(.*)"', line).groups()  # type: ignore[union-attr]
            assert re.search(r'(?<!\\)(\\\\)*"', value) is None
            pattern = r"\\([\"\\$])|\$\{(\w+):\+([^}]*)\}"
            found[name] = re.sub(pattern, replaced, value)
    return found


def read_by_compose(text: str, environment: dict[str, str]) -> dict[str, str]:
    variables = yaml.safe_load(text)["environment"]
    assert all(isinstance(value, str) for value in variables.values())
    assert not any(re.search(r"(?<!\$)(\$\$)*\$(?!\$)", value) for value in variables.values())
    return environment | {name: value.replace("$$", "$") for name, value in variables.items()}


def read_by_kubernetes(text: str, environment: dict[str, str]) -> dict[str, str]:
    pairs = yaml.safe_load(text)["env"]
    assert all(set(pair) == {"name", "value"} for pair in pairs)
    variables = {pair["name"]: pair["value"] for pair in pairs}
    return environment | {name: value.replace("$$", "$") for name, value in variables.items()}


READERS = {
    "shell": read_by_shell,
    "docker": read_by_docker,
    "systemd": read_by_systemd,
    "compose": read_by_compose,
    "kubernetes": read_by_kubernetes,
}


def take(environment: dict[str, str], *prefix: str) -> subprocess.CompletedProcess[str]:
    """Run a program that takes an order."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", "take"],
        env=environment | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": all_but("logging")},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_program_with_these_variables_sends(
    form: str, printed: Printed, environment: dict[str, str], taken: Callable[..., Any]
) -> None:
    text = printed("--format", form, "--service-name", NAME, "--bsp-schedule-delay", "100")
    variables = READERS[form](text, environment)
    assert variables["OTEL_SERVICE_NAME"] == NAME
    assert variables["OTEL_BSP_SCHEDULE_DELAY"] == "100"
    assert variables["OXITEL_ENABLED"] == "true"
    # What was on the path stays there, behind ours.
    assert variables["PYTHONPATH"].split(os.pathsep)[1:] == [str(PROGRAMS)]
    finished = take(variables)
    assert (finished.returncode, finished.stderr) == (0, "order taken\n")
    (process,) = taken(1).processes
    assert process.spans[0]["resource"]["service.name"] == NAME


@pytest.mark.parametrize("form", FORMS)
def test_one_variable_switches_it_off(
    form: str, printed: Printed, environment: dict[str, str], taken: Callable[..., Any]
) -> None:
    variables = READERS[form](printed("--format", form, "--enabled", "false"), environment)
    assert variables["OXITEL_ENABLED"] == "false"
    finished = take(variables)
    assert (finished.returncode, finished.stderr) == (0, "order taken\n")
    assert taken(0).processes == []


def test_off_means_that_nothing_of_ours_is_imported(
    printed: Printed, environment: dict[str, str], tmp_path: Path
) -> None:
    environment["PYTHONPATH"] = str(tmp_path)
    text = printed("--format", "compose")
    (tmp_path / "sitecustomize.py").write_text("print('sitecustomize of the program')\n")
    program = "import sys; print(sys.path[1:], [n for n in sys.modules if 'oxitel' in n])"

    def run(variables: dict[str, str]) -> tuple[str, str]:
        finished = subprocess.run(
            [sys.executable, "-c", program],
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return finished.stdout, finished.stderr

    plain = run(environment)
    assert plain[0].startswith("sitecustomize of the program\n")
    for off in ("false", " FALSE "):
        assert run(read_by_compose(text, environment) | {"OXITEL_ENABLED": off}) == plain


def test_a_switch_that_is_neither_on_nor_off_is_said_and_on(
    printed: Printed, environment: dict[str, str], taken: Callable[..., Any]
) -> None:
    variables = read_by_shell(printed(), environment) | {"OXITEL_ENABLED": "0"}
    said, _ = take(variables).stderr.splitlines()
    assert said.startswith("Invalid value for OXITEL_ENABLED: '0'. Expected 'true' or 'false'.")
    taken(1)


def test_a_shell_may_read_it_twice_and_without_a_path(
    printed: Printed, environment: dict[str, str]
) -> None:
    text = printed()
    del environment["PYTHONPATH"]
    (folder,) = read_by_shell(text, environment)["PYTHONPATH"].split(os.pathsep)
    assert (Path(folder) / "sitecustomize.py").is_file()
    twice = read_by_shell(text, read_by_shell(text, environment))
    assert twice["PYTHONPATH"].split(os.pathsep) == [folder, folder]
    program = f"import sys; print({folder!r} in sys.path)"
    output = environment_of(["sh", "-c", "env -0"], twice)
    finished = subprocess.run(
        [sys.executable, "-c", program], env=output, capture_output=True, text=True, check=True
    )
    assert finished.stdout == "False\n"


def test_another_places_package_may_be_named(printed: Printed) -> None:
    text = printed("--format", "kubernetes", "--site-packages", "/usr/lib/python3/site-packages")
    (value,) = [
        pair["value"] for pair in yaml.safe_load(text)["env"] if pair["name"] == "PYTHONPATH"
    ]
    first = value.split(os.pathsep)[0]
    assert first == "/usr/lib/python3/site-packages/oxitel/setup/zero_code/path"


def test_secrets_of_the_environment_are_not_printed(
    printed: Printed, environment: dict[str, str]
) -> None:
    environment["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=Bearer%20hush"
    for form in FORMS:
        assert "hush" not in printed("--format", form)


@pytest.mark.parametrize("form", ["docker", "systemd"])
def test_several_lines_are_refused_where_they_cannot_be_written(
    form: str, environment: dict[str, str]
) -> None:
    command = [*OXITEL_ENV, "--format", form, "--service-name", "one\ntwo"]
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr == (
        "oxitel env: the value for OTEL_SERVICE_NAME has several lines, which cannot be written for"
        f" {form}\n"
    )


def test_the_service_is_to_be_named(printed: Printed) -> None:
    hint = "# The service has no name here: add --service-name, or set OTEL_SERVICE_NAME."
    for form in FORMS:
        assert hint in printed("--format", form).splitlines()
        assert hint not in printed("--format", form, "--service-name", "orders")


def test_a_shell_script_starts_everything_with_telemetry(
    printed: Printed, environment: dict[str, str], tmp_path: Path, taken: Callable[..., Any]
) -> None:
    script = tmp_path / "nightly.sh"
    command = shlex.join([*OXITEL_ENV, "--service-name", "nightly"])
    script.write_text(f'eval "$({command})"\npython -m take\npython -m take\n')
    assert take(environment, "sh", str(script)).returncode == 0
    found = taken(2).processes
    assert {span["resource"]["service.name"] for one in found for span in one.spans} == {"nightly"}


def test_the_page_shows_what_is_printed(printed: Printed, environment: dict[str, str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "switching.md").read_text(encoding="utf-8")
    del environment["PYTHONPATH"]
    for form in FORMS:
        text = printed(
            *("--format", form, "--service-name", "orders"),
            *("--exporter-otlp-endpoint", "http://collector:4317"),
            *("--site-packages", "/usr/local/lib/python3.13/site-packages"),
        )
        assert f"```{form}\n{text}```\n" in page
