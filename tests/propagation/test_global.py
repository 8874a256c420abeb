"""How native code gets to do the work of the API's own propagators, which stay what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

RunProgram = Callable[..., Any]

_REPORT = """
import json
from opentelemetry import propagate, trace
from opentelemetry.propagators.composite import CompositePropagator

def report():
    found = propagate.get_global_textmap()
    parts = getattr(found, "_propagators", None)
    print(json.dumps({
        "class": type(found).__module__ + "." + type(found).__name__,
        "is_composite": isinstance(found, CompositePropagator),
        "parts": parts and [type(part).__name__ for part in parts],
        "fields": sorted(found.fields),
        "is_native": [
            type(getattr(method, "__self__", None)).__module__ == "oxitel._native"
            for method in (found.inject, found.extract)
        ],
    }))
"""


def reports(run_program: RunProgram, program: str, **environment: str) -> list[dict[str, Any]]:
    result = run_program(_REPORT + program, env=environment, check=True)
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_untouched_global_propagator_becomes_native_with_a_provider(
    run_program: RunProgram,
) -> None:
    program = """
before = propagate.get_global_textmap()
parts = before._propagators
report()
from opentelemetry.sdk.trace import TracerProvider
TracerProvider()
report()
assert propagate.get_global_textmap() is before
assert before._propagators is parts
"""
    api, native = reports(run_program, program)
    assert (api.pop("is_native"), native.pop("is_native")) == ([False] * 2, [True] * 2)
    assert api == native
    assert native["parts"] == ["TraceContextTextMapPropagator", "W3CBaggagePropagator"]


def test_nothing_is_imported_for_it_and_the_first_tracer_does_it_later(
    run_program: RunProgram,
) -> None:
    program = """
import sys
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider()
provider.get_tracer("first")
assert "opentelemetry.propagate" not in sys.modules
assert "opentelemetry.propagators.textmap" not in sys.modules
"""
    run_program(program, check=True)
    program = """
from opentelemetry.sdk.trace import TracerProvider
provider = TracerProvider()
propagate.set_global_textmap(propagate._load_propagators())
report()
provider.get_tracer("flask")
report()
"""
    before, after = reports(run_program, program)
    assert (before["is_native"], after["is_native"]) == ([False] * 2, [True] * 2)


@pytest.mark.parametrize(
    ("made", "is_native"),
    [
        ("TraceContextTextMapPropagator()", True),
        ("W3CBaggagePropagator()", True),
        ("CompositePropagator((TraceContextTextMapPropagator(), Mine()))", True),
        ("B3MultiFormat()", False),
        ("Mine()", False),
        ("MyComposite([])", False),
    ],
)
def test_what_the_program_chooses_stays_and_is_native_if_it_is_exactly_the_apis(
    made: str, is_native: bool, run_program: RunProgram
) -> None:
    program = f"""
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagators.b3 import B3MultiFormat
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

class Mine(TraceContextTextMapPropagator): pass
class MyComposite(CompositePropagator): pass

provider = TracerProvider()
chosen = {made}
propagate.set_global_textmap(chosen)
provider.get_tracer("flask")
assert propagate.get_global_textmap() is chosen
print(json.dumps({{"is_native": "inject" in vars(chosen) and "extract" in vars(chosen)}}))
"""
    assert reports(run_program, program) == [{"is_native": is_native}]


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        ("b3", ["B3SingleFormat"]),
        ("b3multi,jaeger", ["B3MultiFormat", "JaegerPropagator"]),
        ("tracecontext, b3", ["TraceContextTextMapPropagator", "B3SingleFormat"]),
        ("none", []),
    ],
)
def test_a_variable_chooses(names: str, parts: list[str], run_program: RunProgram) -> None:
    program = """
from opentelemetry.sdk.trace import TracerProvider
tracer = TracerProvider().get_tracer("tests")
report()
carrier = {}
with tracer.start_as_current_span("current"):
    propagate.inject(carrier)
assert set(carrier) <= propagate.get_global_textmap().fields
context = propagate.extract(carrier)
assert (context is None) == (carrier == {})
"""
    found = reports(run_program, program, OTEL_PROPAGATORS=names)[0]
    assert found["is_native"] == [True] * 2
    assert (found["parts"] or []) == parts


def test_an_unknown_name_is_the_apis_to_complain_of(run_program: RunProgram) -> None:
    program = (
        "from opentelemetry.sdk.trace import TracerProvider\nTracerProvider()\nprint('made')\n"
    )
    program += "import opentelemetry.propagate\n"
    result = run_program(program, env={"OTEL_PROPAGATORS": "nonsense"})
    assert result.stdout == "made\n"
    assert "Propagator nonsense not found" in result.stderr


def test_an_api_that_has_changed_inside_keeps_its_own(run_program: RunProgram) -> None:
    program = """
del propagate.get_global_textmap()._propagators
from opentelemetry.sdk.trace import TracerProvider
TracerProvider().get_tracer("tests")
print(type(propagate.get_global_textmap()).__module__)
"""
    result = run_program(_REPORT + program, check=True)
    assert result.stdout == "opentelemetry.propagators.composite\n"
