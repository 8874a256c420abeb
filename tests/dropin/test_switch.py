"""What `import oxitel.auto` does and says: in time, too late, twice, and in child processes."""

import textwrap

import pytest

from dropin.conftest import Environment


@pytest.mark.parametrize(
    "early",
    [
        "opentelemetry.sdk.trace",
        "opentelemetry.sdk.resources",
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    ],
)
def test_too_late_names_the_module_its_file_and_what_to_do(
    early: str, official_present: Environment
) -> None:
    finished = official_present.run(
        f"import {early}, sys\n"
        "before = list(sys.path)\n"
        "import oxitel.auto\n"
        "assert sys.path == before\n"
        "import opentelemetry.sdk.trace\n"
        "print('/oxitel/dropin/' in opentelemetry.sdk.trace.__file__)"
    )
    assert finished.returncode == 0
    assert finished.stdout == "False\n"
    (message,) = finished.stderr.splitlines()
    assert message.startswith("import oxitel.auto came too late: opentelemetry.")
    assert f"{official_present.site_packages}/opentelemetry/" in message
    assert "so the official packages stay in use" in message
    assert "import oxitel.auto before anything that imports opentelemetry.sdk" in message


def test_too_late_is_a_warning_of_the_logger_oxitel(official_present: Environment) -> None:
    printed = official_present.output(
        "import logging, sys\n"
        "logging.basicConfig(format='%(levelname)s %(name)s', stream=sys.stdout)\n"
        "import opentelemetry.sdk.trace, oxitel.auto"
    )
    assert printed == "WARNING oxitel"


def test_the_folder_is_at_the_front_once(official_present: Environment) -> None:
    printed = official_present.output(
        "import sys, oxitel.auto\n"
        "assert oxitel.auto.activate()\n"
        "print([i for i, path in enumerate(sys.path) if path.endswith('/oxitel/dropin')])"
    )
    assert printed == "[0]"


def test_without_the_switch_the_folders_are_at_the_end(official_absent: Environment) -> None:
    first, second = official_absent.output("import sys; print(*sys.path[-2:])").split()
    assert (first.endswith("/oxitel/dropin"), second.endswith("/oxitel/base")) == (True, True)


@pytest.mark.fork
@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_children_of_multiprocessing_are_switched_too(
    method: str, official_present: Environment
) -> None:
    program = official_present.folder / f"children_{method}.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing

            import oxitel.auto

            def show():
                import opentelemetry.sdk.trace
                print(opentelemetry.sdk.trace.__file__, flush=True)

            if __name__ == "__main__":
                child = multiprocessing.get_context({method!r}).Process(target=show)
                child.start()
                child.join(30)
                assert child.exitcode == 0
            """
        )
    )
    printed = official_present.output(
        f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')"
    )
    assert "/oxitel/dropin/" in printed


def test_the_switch_imports_nothing_that_the_sdk_does_not(official_absent: Environment) -> None:
    # It looks whether the native module can be loaded, which the first import of the SDK does too.
    def imported_by(module: str) -> set[str]:
        program = f"import {module}, sys; print(*sys.modules)"
        return set(official_absent.output(program).split())

    sdk = imported_by("opentelemetry.sdk.trace")
    assert imported_by("oxitel.auto") - sdk == {"oxitel.auto"}


NAMESAKES = """
import sys, tempfile
from pathlib import Path

names = ("aiokafka", "asgi", "confluent_kafka", "fastapi", "flask", "kafka", "starlette", "wsgi")
folder = Path(tempfile.mkdtemp())
for name in names:
    package = folder / "opentelemetry" / "instrumentation" / name
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    # None of the libraries is installed.
    sys.modules[name] = None
sys.path.append(str(folder))
import oxitel.auto
import opentelemetry.sdk.trace
print(opentelemetry.sdk.trace.__file__)
"""


def test_instrumentations_whose_libraries_are_absent_do_not_hinder_the_switch(
    official_present: Environment,
) -> None:
    assert "/oxitel/dropin/" in official_present.output(NAMESAKES)
