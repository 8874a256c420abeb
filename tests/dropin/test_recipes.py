"""The recipes of docs/dropin.md and docs/migration.md, as the pages have them, in environments that
have nothing else."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dropin.conftest import ROOT, Environment, clean_environment, uv

BROUGHT_ALONG = "Official packages that others bring along"
WHOSE = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk import metrics, trace
from importlib.metadata import distributions
import sys
print(all("dropin" in sys.modules[name].__file__ for name in (
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk.metrics",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
)), sorted(one.name for one in distributions() if one.name == "opentelemetry-sdk"))
"""


def block(page: str, section: str, language: str) -> str:
    """The one block of a section in that language."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    inside = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", inside, re.DOTALL)
    return str(found)


def commands(text: str) -> list[list[str]]:
    """What is typed into a shell, a command with its arguments each."""
    lines = re.findall(r"^\$ (.*)$", text.replace("\\\n", " "), re.MULTILINE)
    return [shlex.split(line) for line in lines]


def test_with_pip(make_environment: Callable[..., Environment]) -> None:
    environment = make_environment()
    pip = [sys.executable, "-m", "pip", "--python", str(environment.python)]
    typed = commands(block("dropin.md", BROUGHT_ALONG, "console"))
    assert [command[:2] for command in typed] == [["pip", "install"], ["pip", "uninstall"]]
    for _, *arguments in typed:
        named = [str(environment.wheel) if name == "oxitel" else name for name in arguments]
        subprocess.run([*pip, *named, "--quiet"], check=True, timeout=600)
    assert environment.output(WHOSE) == "True []"


@pytest.mark.parametrize("is_overridden", [False, True], ids=["opted in", "overridden"])
def test_with_uv(is_overridden: bool, wheel: Path, tmp_path: Path) -> None:
    version = ".".join(map(str, sys.version_info[:2]))
    project = f'[project]\nname = "shop"\nversion = "1"\nrequires-python = "=={version}.*"\n'
    overrides = block("dropin.md", BROUGHT_ALONG, "toml") if is_overridden else ""
    (tmp_path / "pyproject.toml").write_text(f"{project}\n{overrides}", encoding="utf-8")
    of_project = ("--quiet", "--project", str(tmp_path), "--python", sys.executable)
    uv("add", *of_project, "fastapi[standard]", f"oxitel @ {wheel.as_uri()}")
    finished = subprocess.run(
        [
            tmp_path / ".venv" / "bin" / "python",
            "-c",
            WHOSE if is_overridden else f"import oxitel.auto{WHOSE}",
        ],
        env=clean_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    there = "[]" if is_overridden else "['opentelemetry-sdk']"
    assert (finished.stdout.strip(), finished.stderr) == (f"True {there}", "")


def test_migration(make_environment: Callable[..., Environment]) -> None:
    environment = make_environment(*block("migration.md", "Before", "text").split(), "oxitel")
    uninstall, *checks = block("migration.md", "After", "sh").replace("\\\n", " ").splitlines()
    assert checks == ["pip check", "oxitel doctor"]
    environment.uninstall(*shlex.split(uninstall.removeprefix("pip uninstall")))
    uv("pip", "check", "--python", str(environment.python))
    assert environment.output(WHOSE) == "True []"
    report = environment.output(
        "import sys\nfrom oxitel.command import main\n"
        "sys.argv[1:] = ['doctor', '--json', '--no-connect']\nmain()"
    )
    assert {part["owner"] for part in json.loads(report)["parts"].values()} == {"oxitel"}
