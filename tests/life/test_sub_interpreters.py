"""Sub-interpreters are refused, whichever interpreter of the process is first, and the main one
goes on."""

from __future__ import annotations

import pytest

from conftest import RunProgram

PROGRAM = """
import sys

try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

IN_ANOTHER = '''
try:
    import {module}
    print("imported", flush=True)
except ImportError as error:
    print("refused:", str(error).partition(",")[0], flush=True)
'''


def in_another(module):
    if sys.version_info >= (3, 13):
        interpreter = interpreters.create("legacy")
    elif sys.version_info >= (3, 12):
        interpreter = interpreters.create(isolated=False)
    else:
        interpreter = interpreters.create()
    failure = interpreters.run_string(interpreter, IN_ANOTHER.format(module=module))
    assert failure is None, failure
    interpreters.destroy(interpreter)


def here():
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    with TracerProvider().get_tracer("test").start_as_current_span("span") as span:
        span.set_attribute("a", {"b": [1]})
        assert trace.get_current_span() is span
        print(span.attributes, flush=True)


for step in sys.argv[1:]:
    here() if step == "main" else in_another(step)
"""

REFUSED = "refused: oxitel works in the main interpreter of a process alone"
SPAN = "{'a': {'b': (1,)}}"


@pytest.mark.parametrize("module", ["opentelemetry.sdk.trace", "oxitel._native"])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "second"])
def test_a_sub_interpreter_is_refused_and_the_main_one_works(
    run_program: RunProgram, module: str, is_first: bool
) -> None:
    steps = (module, "main", module, "main") if is_first else ("main", module, "main", module)
    result = run_program(PROGRAM, arguments=steps)
    expected = [SPAN if step == "main" else REFUSED for step in steps]
    assert (result.exit_code, result.stdout.splitlines()) == (0, expected), result.stderr
    assert result.stderr == ""


@pytest.mark.parametrize("steps", [("oxitel.auto", "main"), ("main", "oxitel.auto", "main")])
def test_the_switch_says_it_in_a_sub_interpreter_and_changes_nothing(
    run_program: RunProgram, steps: tuple[str, ...]
) -> None:
    result = run_program(PROGRAM, arguments=steps)
    expected = [SPAN if step == "main" else "imported" for step in steps]
    assert (result.exit_code, result.stdout.splitlines()) == (0, expected), result.stderr
    (said,) = result.stderr.splitlines()
    assert said.startswith("import oxitel.auto changes nothing: oxitel works in the main")
