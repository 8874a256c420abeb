"""Each native propagator beside the official one: the API's own classes, and B3 and Jaeger from the
official environment."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import NonRecordingSpan
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from oxitel import _native
from oxitel.diagnostics.shown import Shown
from oxitel.propagation import b3, composite, jaeger, w3c


@dataclass(frozen=True)
class Pair:
    """Two propagators that should do the same."""

    native: TextMapPropagator
    official: TextMapPropagator

    def __iter__(self) -> Iterator[TextMapPropagator]:
        return iter((self.native, self.official))


def _official_module(python: Path, name: str) -> ModuleType:
    command = [str(python), "-c", f"import {name} as module; print(module.__file__)"]
    file = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    spec = spec_from_file_location("official_" + name.rpartition(".")[2], file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def pairs(official_python: Path) -> dict[str, Pair]:
    official_b3 = _official_module(official_python, "opentelemetry.propagators.b3")
    official_jaeger = _official_module(official_python, "opentelemetry.propagators.jaeger")
    found = {
        "tracecontext": Pair(w3c.TraceContextPropagator(), TraceContextTextMapPropagator()),
        "baggage": Pair(w3c.BaggagePropagator(), W3CBaggagePropagator()),
        "b3": Pair(b3.B3SingleFormat(), official_b3.B3SingleFormat()),
        "b3multi": Pair(b3.B3MultiFormat(), official_b3.B3MultiFormat()),
        "jaeger": Pair(jaeger.JaegerPropagator(), official_jaeger.JaegerPropagator()),
    }
    found["composite"] = Pair(
        composite.CompositePropagator([pair.native for pair in found.values()]),
        CompositePropagator([pair.official for pair in found.values()]),
    )
    return found


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        # Ours cuts what is long; the official packages write all of it.
        if isinstance(record.args, tuple):
            record.args = tuple(Shown(a) if type(a) is str else a for a in record.args)
        self.said.append((record.name, record.levelname, record.getMessage()))


@contextmanager
def recorded_logs() -> Iterator[list[tuple[str, str, str]]]:
    """What is logged under `opentelemetry`."""
    logger, recorder = logging.getLogger("opentelemetry"), _Recorder()
    logger.addHandler(recorder)
    before = logger.propagate
    logger.propagate = False
    try:
        yield recorder.said
    finally:
        logger.propagate = before
        logger.removeHandler(recorder)


@dataclass
class Outcome:
    """What a call did: its result, what it raised, what it logged."""

    result: Any
    raised: Exception | None
    logs: list[tuple[str, str, str]]


def outcome(call: Callable[[], Any]) -> Outcome:
    # What was said of another example is news again.
    _native.forget_said()
    with recorded_logs() as logs:
        try:
            return Outcome(call(), None, logs)
        except Exception as error:
            return Outcome(None, error, logs)


def described(context: Context | None) -> Any:
    """Everything of a context that can be seen, with the classes of it; of a span, whether it is of
    the API's class."""
    if context is None:
        return None
    return type(context), [(key, _described(value)) for key, value in context.items()]


def _described(value: Any) -> Any:
    if isinstance(value, dict):
        return type(value), list(value.items())
    if not hasattr(value, "get_span_context"):
        return value
    context = value.get_span_context()
    return (
        isinstance(value, NonRecordingSpan),
        repr(value),
        type(context),
        [(type(field), field) for field in context[:4]],
        type(context.trace_state),
        vars(context.trace_state).keys(),
        list(context.trace_state.items()),
        context.is_valid,
    )
