"""What a program sees of `oxitel run` while it starts: nothing, whatever is wrong around it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command.run.conftest import OXITEL_RUN, PROGRAMS, all_but
from command.run.test_command import describe

Start = Callable[..., Any]
Taken = Callable[..., Any]

DESCRIBED = str(PROGRAMS / "described.py")


@pytest.fixture
def package(tmp_path: Path) -> Callable[..., Path]:
    """Makes an installed distribution with modules and entry points, in a folder to put on the
    path."""

    def package(modules: dict[str, str], entry_points: str = "", requires: str = "") -> Path:
        folder = tmp_path / "packages"
        information = folder / "someones-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Name: someones\nVersion: 1.0\n{requires}")
        (information / "entry_points.txt").write_text(entry_points)
        for name, source in modules.items():
            (folder / f"{name}.py").write_text(source)
        return folder

    return package


def with_path(*folders: Path) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(map(str, [*folders, PROGRAMS]))}


def test_the_path_is_what_it_is_without_us(start: Start, environment: dict[str, str]) -> None:
    described = describe(start("python", DESCRIBED).finish())
    plain = subprocess.run(
        ["python", "-c", "import json, sys; print(json.dumps(sys.path))"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    # The folder of the official module paths moves to the front; the first is the script's.
    dropin = [path for path in described["path"] if path.endswith("dropin")]
    kept = [path for path in described["path"][1:] if path not in dropin]
    assert kept == [path for path in json.loads(plain.stdout)[1:] if path not in dropin]
    assert described["path"][1:2] == dropin
    assert "/oxitel/dropin/" in described["provider"]


def test_a_sitecustomize_of_the_user_is_run_too(
    start: Start, package: Callable[..., Path], taken: Taken
) -> None:
    source = "import os\nos.environ['OTEL_SERVICE_NAME'] = 'named by sitecustomize'\n"
    folder = package({"sitecustomize": source})
    described = describe(start("python", DESCRIBED, env=with_path(folder)).finish())
    assert described["sitecustomize"] == str(folder / "sitecustomize.py")
    assert described["environment"]["OTEL_SERVICE_NAME"] == "named by sitecustomize"
    assert start("python", "-m", "take", env=with_path(folder)).finish().exit_code == 0
    (process,) = taken(1).processes
    assert process.spans[0]["resource"]["service.name"] == "named by sitecustomize"


def test_a_broken_sitecustomize_of_the_user_is_said_as_ever(
    start: Start, package: Callable[..., Path], environment: dict[str, str], taken: Taken
) -> None:
    path = with_path(package({"sitecustomize": "raise OSError('disk on fire')"}))
    plain = subprocess.run(
        ["python", "-c", "pass"], env=environment | path, capture_output=True, text=True
    )
    assert "disk on fire" in plain.stderr
    finished = start("python", "-m", "take", env=path).finish()
    # The command is a Python program with that sitecustomize, too.
    assert (finished.exit_code, finished.stderr) == (0, plain.stderr * 2 + "order taken\n")
    taken(1)


BROKEN = {
    "broken": """
class Broken:
    def instrument(self, **_):
        raise RuntimeError("bad day")
""",
    "without_library": "import a_library_that_is_not_installed",
    "with_wrong_import": "from os import no_such_name",
    "good": """
class Good:
    def instrument(self, **_):
        print("good is on")
""",
}
BROKEN_ENTRY_POINTS = """
[opentelemetry_instrumentor]
a_broken = broken:Broken
b_without_library = without_library:Missing
c_wrong_import = with_wrong_import:Wrong
d_good = good:Good
e_same = good:Good
[opentelemetry_pre_instrument]
before = broken:nothing_here
[opentelemetry_environment_variables]
broken = with_wrong_import
"""


def test_broken_instrumentations_are_one_message_each(
    start: Start, package: Callable[..., Path], taken: Taken
) -> None:
    folder = package(BROKEN, BROKEN_ENTRY_POINTS)
    finished = start("python", "-m", "take", env=with_path(folder)).finish()
    assert (finished.exit_code, finished.stdout) == (0, "good is on\n")
    said = finished.stderr.splitlines()
    assert said[0].startswith("opentelemetry_pre_instrument before failed: AttributeError(")
    assert said[1] == "Instrumenting of a_broken failed: RuntimeError('bad day')"
    assert said[2].startswith("Instrumenting of c_wrong_import failed: ImportError(")
    assert said[3:] == ["order taken"]
    taken(1)


def test_an_instrumentation_for_another_version_is_said(
    start: Start, package: Callable[..., Path]
) -> None:
    requires = (
        "Provides-Extra: instruments\nRequires-Dist: opentelemetry-api <1; extra == 'instruments'\n"
    )
    entry_points = "[opentelemetry_instrumentor]\nd_good = good:Good\n"
    folder = package(BROKEN, entry_points, requires)
    finished = start("python", "-c", "", env=with_path(folder)).finish()
    assert (finished.exit_code, finished.stdout) == (0, "")
    (said,) = finished.stderr.splitlines()
    assert said.startswith('d_good only instruments "opentelemetry-api<1')


def test_disabled_instrumentations_stay_off(start: Start, package: Callable[..., Path]) -> None:
    folder = package(BROKEN, BROKEN_ENTRY_POINTS)
    for names, printed in (("*", ""), (f"{all_but()} , a_broken, c_wrong_import", "good is on\n")):
        env = with_path(folder) | {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": names}
        finished = start("python", "-c", "", env=env).finish()
        assert "Instrumenting" not in finished.stderr
        assert finished.stdout == printed


def test_an_instrumentation_finds_the_programs_modules(
    start: Start, package: Callable[..., Path], tmp_path: Path
) -> None:
    # As that of Django, which reads the settings.
    (tmp_path / "settings_of_the_program.py").write_text("NAME = 'shop'\n")
    folder = package(
        {
            "reading": """
class Reading:
    def instrument(self, **_):
        import settings_of_the_program
        print(settings_of_the_program.NAME)
"""
        },
        "[opentelemetry_instrumentor]\nreading = reading:Reading\n",
    )
    script = tmp_path / "elsewhere" / "program.py"
    script.parent.mkdir()
    script.write_text(f"import sys; print({str(tmp_path)!r} in sys.path)")
    finished = start("python", str(script), env=with_path(folder)).finish()
    assert (finished.stdout, finished.stderr) == ("shop\nFalse\n", "")


def test_gevent_patches_before_anything_else(start: Start, package: Callable[..., Path]) -> None:
    name = "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH"
    source = "class monkey:\n    def patch_all():\n        print('patched')\n"
    folder = package(
        {"gevent": source, **BROKEN}, "[opentelemetry_instrumentor]\ngood = good:Good\n"
    )
    finished = start("python", "-c", "", env=with_path(folder) | {name: "patch_all"}).finish()
    assert (finished.stdout, finished.stderr) == ("patched\ngood is on\n", "")
    finished = start("python", "-c", "", env=with_path(folder) | {name: "some"}).finish()
    assert finished.stdout == "good is on\n"
    expected = f"Invalid value for {name}: 'some'. Expected 'patch_all'. Using no patch.\n"
    assert finished.stderr == expected


def test_gevent_patches_where_the_program_itself_has_it_do_so(
    start: Start, package: Callable[..., Path]
) -> None:
    pytest.importorskip("gevent", reason="gevent is not installed")
    # As Locust does: in the middle of an import, by when telemetry has begun. The rest of that
    # import would wait for itself if gevent saw two threads.
    source = "from gevent import monkey\nmonkey.patch_all()\nfrom late_late import answer\n"
    folder = package({"late": source, "late_late": "import late\nanswer = 42\n"}, "")
    code = """
import threading
from opentelemetry import metrics, trace
metrics.get_meter("t").create_counter("c").add(1)
import late
with trace.get_tracer("t").start_as_current_span("after it"):
    print(late.answer, threading.get_ident.__module__)
"""
    finished = start("python", "-c", code, env=with_path(folder)).finish()
    assert (finished.exit_code, finished.stdout) == (0, "42 gevent.thread\n")


def test_every_installed_instrumentation_is_switched_on(start: Start) -> None:
    code = """
import importlib.metadata
for entry_point in importlib.metadata.entry_points(group="opentelemetry_instrumentor"):
    try:
        instrumentor = entry_point.load()()
    except ImportError:
        continue
    if instrumentor.is_instrumented_by_opentelemetry:
        print(entry_point.name)
"""
    finished = start("python", "-c", code, env={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ""})
    on = set(finished.finish().stdout.split())
    assert on.issuperset(
        {"celery", "fastapi", "flask", "httpx", "logging", "requests", "sqlalchemy"}
    )


@pytest.mark.parametrize("variable", ["OTEL_PYTHON_DISTRO", "OTEL_PYTHON_CONFIGURATOR"])
def test_a_distribution_that_is_not_there_is_said_and_ours_is_used(
    variable: str, start: Start, taken: Taken
) -> None:
    finished = start("python", "-m", "take", env={variable: "nobodys"}).finish()
    first, second = finished.stderr.splitlines()
    assert first.startswith(f"Invalid value for {variable}: 'nobodys'. Expected one of ")
    assert first.endswith("Using oxitel.")
    assert second == "order taken"
    taken(1)


def test_a_distribution_and_a_configurator_of_somebody_else(
    start: Start, package: Callable[..., Path]
) -> None:
    folder = package(
        {
            "theirs": """
from opentelemetry.instrumentation.distro import BaseDistro
class Distro(BaseDistro):
    def _configure(self, **_):
        print("their distro")
class Configurator:
    def configure(self, **_):
        raise OSError("no file")
"""
        },
        "[opentelemetry_distro]\ntheirs = theirs:Distro\n"
        "[opentelemetry_configurator]\ntheirs = theirs:Configurator\n",
    )
    env = {"OTEL_PYTHON_DISTRO": "theirs", "OTEL_PYTHON_CONFIGURATOR": "theirs"}
    finished = start("python", "-c", "print('program')", env=with_path(folder) | env).finish()
    assert finished.stdout == "their distro\nprogram\n"
    assert finished.stderr == "Configuration of theirs failed: OSError('no file')\n"


def test_a_disabled_sdk_sends_nothing(start: Start, taken: Taken) -> None:
    finished = start("python", "-m", "take", options=("--sdk-disabled", "true")).finish()
    assert (finished.exit_code, finished.stderr) == (0, "order taken\n")
    assert taken(0).processes == []


LOGGING = {
    "nothing set up": "logging.getLogger('a').warning('one'); logging.getLogger('a').info('two')",
    "module functions": "logging.warning('one'); logging.getLogger('a').error('two')",
    "basicConfig": "logging.basicConfig(level=20); logging.getLogger('a').info('one')",
    "basicConfig twice": "logging.basicConfig(); logging.basicConfig(); logging.error('one')",
    "handlers": "print(logging.getLogger().handlers, logging.getLogger().hasHandlers())",
    "dictConfig": "logging.config.dictConfig({'version': 1, 'root': {'level': 'INFO', 'handlers': "
    "['h']}, 'handlers': {'h': {'class': 'logging.StreamHandler'}}}); logging.info('one')",
}


@pytest.mark.parametrize("code", LOGGING.values(), ids=LOGGING)
def test_a_program_logs_what_it_logs_without_us(
    code: str, start: Start, environment: dict[str, str]
) -> None:
    code = f"import logging, logging.config; {code}"
    plain = subprocess.run(
        ["python", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    finished = start("python", "-c", code).finish()
    assert (finished.stdout, finished.stderr) == (plain.stdout, plain.stderr)
    assert plain.stdout or plain.stderr


def test_the_native_modules_win_over_the_official_ones(
    start: Start, official_python: Path, taken: Taken
) -> None:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    official = official_python.parent.parent / "lib" / version / "site-packages"
    assert (official / "opentelemetry" / "sdk").is_dir()
    path = with_path(official)
    provider = describe(start("python", DESCRIBED, env=path).finish())["provider"]
    assert "/oxitel/dropin/" in provider
    assert start("python", "-m", "take", env=path).finish().exit_code == 0
    taken(1)


def test_an_interpreter_without_oxitel_is_said_and_runs(
    start: Start, official_python: Path, package: Callable[..., Path]
) -> None:
    folder = package({"sitecustomize": "print('sitecustomize')"})
    code = "import sitecustomize; print(sitecustomize.__file__)"
    finished = start(str(official_python), "-c", code, env=with_path(folder)).finish()
    # The first is by the command, which is a Python program, too.
    assert finished.stdout == f"sitecustomize\nsitecustomize\n{folder / 'sitecustomize.py'}\n"
    (said,) = finished.stderr.splitlines()
    assert said.startswith("oxitel: no telemetry from this process: ")
    install = f"is not installed for this interpreter: {official_python} -m pip install oxitel"
    assert said.endswith(f"{install}, or set OXITEL_ENABLED=false")


@pytest.mark.parametrize(
    "prefix",
    [["opentelemetry-instrument", *OXITEL_RUN], [*OXITEL_RUN, "opentelemetry-instrument"]],
    ids=["inside the official command", "around the official command"],
)
def test_one_of_the_two_commands_is_enough(
    prefix: list[str], start: Start, environment: dict[str, str], taken: Taken
) -> None:
    prefix = [str(Path(sys.executable).parent / prefix[0]), *prefix[1:]]
    finished = start("python", "-m", "take", prefix=prefix).finish()
    assert finished.exit_code == 0
    assert "Traceback" not in finished.stderr
    assert taken(1).workers == 1


def test_a_folder_that_is_gone_does_no_harm(start: Start, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    finished = start("sh", "-c", f"cd {gone} && rmdir {gone} && python -c 'print(1)'").finish()
    assert finished.stdout == "1\n"
    assert "Traceback" not in finished.stderr


def test_in_a_folder_that_is_gone_there_is_telemetry(start: Start, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "from opentelemetry import trace; trace.get_tracer('t').start_span('made').end()"
    environment = {"OTEL_TRACES_EXPORTER": "console"}
    command = f'cd {gone} && rmdir {gone} && python -c "{code}"'
    finished = start("sh", "-c", command, env=environment).finish()
    assert '"name": "made"' in finished.stdout
    assert "Failed" not in finished.stderr


def test_metadata_that_cannot_be_read_keeps_no_program_from_running(
    start: Start, tmp_path: Path
) -> None:
    folder = tmp_path / "broken-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: broken\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[console_scripts]\nno value\n")
    finished = start("python", "-c", "print(1)", env=with_path(tmp_path)).finish()
    assert finished.stdout == "1\n"
    assert "Traceback" not in finished.stderr
