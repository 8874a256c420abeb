"""What the base of instrumentations has and does, as JSON: names with the parameters of what can be
called, and the answers to many questions. Runs on the official one and on ours."""

from __future__ import annotations

import importlib
import inspect
import itertools
import json
import logging
import os
import sys
import types
from typing import Any

from opentelemetry import context, trace
from opentelemetry.instrumentation import (
    _semconv,
    dependencies,
    distro,
    instrumentor,
    propagators,
    sqlcommenter_utils,
    utils,
)
from opentelemetry.instrumentation._labeler import _internal as labeler
from wrapt import wrap_function_wrapper

PREFIX = "opentelemetry.instrumentation."
MODES = tuple(_semconv._StabilityMode)
SIGNALS = tuple(_semconv._OpenTelemetryStabilitySignalType)


def names(module: str) -> dict[str, Any]:
    """Those that a module defines itself."""
    found = importlib.import_module(PREFIX + module)
    return {
        name: parameters(value)
        for name, value in vars(found).items()
        if not name.startswith("__")
        and not isinstance(value, types.ModuleType)
        and getattr(value, "__module__", found.__name__) == found.__name__
        and (inspect.isclass(value) or inspect.isfunction(value))
    }


def parameters(value: Any) -> Any:
    if inspect.isclass(value):
        return {
            name: parameters(getattr(value, name))
            for name, member in vars(value).items()
            if not name.startswith("_") and callable(getattr(value, name))
        }
    return [
        [name, parameter.kind.name, parameter.default is not inspect.Parameter.empty]
        for name, parameter in inspect.signature(value).parameters.items()
    ]


def answer(function: Any, *arguments: Any, **named: Any) -> str:
    try:
        return repr(function(*arguments, **named))
    except Exception as error:
        return type(error).__name__


def attributes_of_http_and_databases() -> dict[str, Any]:
    found: dict[str, Any] = {}
    values = ("x", "5", 5, "", None)
    many: dict[str, tuple[Any, ...]] = {
        "_set_http_method": (("GET", "GET"), ("FOO", "_OTHER"), (" get ", "GET"), ("", "x")),
        "_set_http_target": (("/a?b=1", "/a", "b=1"), ("/a", None, None), ("", "", "")),
        "_set_net_transport": (("ip_tcp", "tcp"), (None, "tcp"), ("ip_tcp", None)),
        # What is no number is an error there.
        "_set_db_redis_database_index": ((0,), (5,), (None,)),
    }
    setters = [name for name in vars(_semconv) if name.startswith(("_set_http", "_set_db"))]
    for name, mode in itertools.product([*setters, "_set_net_transport"], MODES):
        for given in many.get(name, tuple((value,) for value in values)):
            result: dict[str, Any] = {}
            answered = answer(getattr(_semconv, name), result, *given, sem_conv_opt_in_mode=mode)
            found[f"{name}{given} {mode.name}"] = [answered, result]
    return found


class Span:
    def __init__(self, is_recorded: bool) -> None:
        self.is_recorded = is_recorded
        self.calls: list[Any] = []

    def is_recording(self) -> bool:
        return self.is_recorded

    def set_attribute(self, *arguments: Any) -> None:
        self.calls.append(arguments)

    def set_status(self, status: Any) -> None:
        self.calls.append((status.status_code.name, status.description))


def statuses() -> dict[str, Any]:
    found: dict[str, Any] = {}
    codes = (200, 302, 404, 500, 99, -1)
    for code, mode, is_server, is_recorded in itertools.product(
        codes, MODES, (True, False), (True, False)
    ):
        span, measured = Span(is_recorded), {}
        _semconv._set_status(span, measured, code, f"is {code}", is_server, mode)
        found[f"{code} {mode.name} {is_server} {is_recorded}"] = [span.calls, measured]
    for status in (None, 0, 99, 100, 200, 299, 300, 399, 400, 499, 500, 600, "200"):
        for redirect, is_server in itertools.product((True, False), repeat=2):
            key = f"{status} {redirect} {is_server}"
            found[key] = utils.http_status_to_status_code(status, redirect, is_server).name
    return found


def conventions() -> dict[str, Any]:
    found: dict[str, Any] = {}
    stability = _semconv._OpenTelemetrySemanticConventionStability
    pairs = [list(pair) for pair in itertools.product(SIGNALS, repeat=2)]
    for text in ("", "http", "http/dup,http", "database", " http , database/dup", "HTTP", "x"):
        os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = text
        stability._initialized = False
        stability._OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING = {}
        modes = _semconv._get_semconv_opt_in_modes(SIGNALS)
        urls = [_semconv._get_schema_url_for_signal_types(pair) for pair in pairs]
        found[text] = [[mode.name for mode in modes.values()], urls]
    for mode in MODES:
        found[mode.name] = [
            _semconv._report_old(mode),
            _semconv._report_new(mode),
            _semconv._get_schema_url(mode),
            [_semconv._get_schema_version_for_opt_in_mode(signal, mode) for signal in SIGNALS],
            *(sorted(names) for names in filtered(mode)),
        ]
    for name, value in vars(_semconv).items():
        if name.endswith(("_attrs_old", "_attrs_new", "_BUCKETS_OLD", "_BUCKETS_NEW")):
            found[name] = sorted(value)
    return found


def filtered(mode: Any) -> tuple[dict[str, Any], ...]:
    durations = (_semconv._server_duration_attrs_old, _semconv._server_duration_attrs_new)
    active = (
        _semconv._server_active_requests_count_attrs_old,
        _semconv._server_active_requests_count_attrs_new,
    )
    given = dict.fromkeys([*durations[0], *durations[1], "http.target"], 1)
    return (
        _semconv._filter_semconv_duration_attrs(given, *durations, mode),
        _semconv._filter_semconv_active_request_count_attr(given, *active, mode),
    )


class Wrapped:
    def method(self) -> str:
        return "plain"


def helpers() -> list[Any]:
    wrap_function_wrapper(Wrapped, "method", lambda *_: "wrapped")
    before = Wrapped().method()
    utils.unwrap("__main__.Wrapped", "method")
    values = types.SimpleNamespace(a=1, b=None, c=[2])
    silent = []
    for block in (utils.suppress_instrumentation, utils.suppress_http_instrumentation):
        with block():
            silent.append(enabled())
        silent += [enabled(), block()(enabled)(), enabled()]
    with utils.suppress_instrumentation():
        keys = sorted(key.partition("-")[0] for key in context.get_current())
    return [
        [before, Wrapped().method(), silent, keys],
        [answer(utils.unwrap, *given) for given in (("x", "y"), ("os.nothing", "y"))],
        [answer(utils.unwrap, *given) for given in (("not.there", "y"), (Wrapped, "y"))],
        utils.extract_attributes_from_object(values, ["a", "b", "c", "d"], {"q": "1"}),
        [answer(utils._url_quote, value) for value in ("a b%/'é", b"x y", 3, None)],
        utils._get_opentelemetry_values(),
        [
            answer(sqlcommenter_utils._add_sql_comment, statement, **comment)
            for statement in ("SELECT 1", "SELECT 1;", "")
            for comment in ({}, {"b": 1, "a": "it's"}, {"a": None, "z": "é%"})
        ],
    ]


def enabled() -> list[bool]:
    return [utils.is_instrumentation_enabled(), utils.is_http_instrumentation_enabled()]


def responses() -> list[Any]:
    propagator = propagators.TraceResponsePropagator()
    span = trace.NonRecordingSpan(trace.SpanContext(1, 2, False, trace.TraceFlags(1)))
    there = trace.set_span_in_context(span)
    header: dict[str, str] = {"traceresponse": "before"}
    calls: list[Any] = []
    propagator.inject(header, there)
    propagator.inject(calls, there, propagators.FuncSetter(lambda to, *pair: to.append(pair)))
    nothing: dict[str, str] = {}
    propagator.inject(nothing)
    propagators.set_global_response_propagator(propagator)
    return [header, calls, nothing, propagators.get_global_response_propagator() is propagator]


class Distribution:
    requires = (
        'pip ; extra == "instruments"',
        "no-such-library",
        'pip<1 ; extra == "instruments-any"',
        'no-such-library ; extra == "instruments-any"',
    )


def conflicts() -> list[Any]:
    found = [
        dependencies.get_dependency_conflicts(*given)
        for given in (
            ([],),
            (["pip"],),
            (["pip<1"],),
            (["no-such-library>1", "pip<1"],),
            (["pip"], ["no-such-library", "pip"]),
            ([], ["no-such-library", "pip<1"]),
            ([], ["no-such-library"]),
            (["not a requirement"],),
        )
    ]
    found.append(dependencies.get_dist_dependency_conflicts(Distribution()))
    return [
        conflict
        and [
            *(conflict.required, conflict.required_any, conflict._is_version_conflict),
            *(bool(conflict.found), len(conflict.found_any or ())),
        ]
        for conflict in found
    ]


def labels() -> list[Any]:
    given = labeler.Labeler(max_custom_attrs=2, max_attr_value_length=3)
    steps = []
    pairs = (("a", "abcd"), ("b", 1), ("c", 2), ("a", 2.5), ("b", b"x"), ("b", None), ("b", True))
    for key, value in pairs:
        given.add(key, value)
        steps.append(dict(given.get_attributes()))
    given.add_attributes({"a": [1]})
    labeler.set_labeler(given)
    labeler.set_labeler("no labeler")
    base = {"a": 0}
    enriched = [labeler.enrich_metric_attributes(base, enrich) for enrich in (True, False)]
    is_same = labeler.get_labeler() is given
    labeler.clear_labeler()
    return [steps, enriched, base, is_same, dict(labeler.get_labeler_attributes()), len(given)]


class Instrumentor(instrumentor.BaseInstrumentor):
    def instrumentation_dependencies(self) -> list[str]:
        return ["no-such-library"]

    def _instrument(self, **kwargs: Any) -> Any:
        if "fails" in kwargs:
            raise ValueError
        return kwargs

    def _uninstrument(self, **kwargs: Any) -> Any:
        return kwargs


class Derived(Instrumentor):
    pass


class Distro(distro.BaseDistro):
    def _configure(self, **kwargs: Any) -> None:
        print(kwargs, file=sys.stderr)


class EntryPoint:
    @staticmethod
    def load() -> Any:
        return Instrumentor


def instrumentors() -> list[Any]:
    one = Instrumentor(1, two=2)
    answers = [one is Instrumentor(), Derived() is one, Distro() is Distro()]
    for call, named in (
        (one.uninstrument, {}),
        (one.instrument, {}),
        (one.instrument, {"raise_exception_on_conflict": True}),
        (one.instrument, {"skip_dep_check": True, "fails": True}),
        (one.instrument, {"skip_dep_check": True, "a": 1}),
        (one.instrument, {"skip_dep_check": True}),
        (one.uninstrument, {"skip_dep_check": True}),
        (one.uninstrument, {}),
    ):
        answers += [answer(call, **named), one.is_instrumented_by_opentelemetry]
    answers += [answer(kind) for kind in (instrumentor.BaseInstrumentor, distro.BaseDistro)]
    answers.append(answer(distro.DefaultDistro().configure, a=1))
    answers.append(answer(Distro().load_instrumentor, EntryPoint(), skip_dep_check=True))
    return [*answers, one.is_instrumented_by_opentelemetry]


class Kept(logging.Handler):
    """Who says something, and how loudly."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.getMessage()
        self.said.append([record.name, record.levelname])


if __name__ == "__main__":
    kept = Kept()
    logging.basicConfig(level=logging.DEBUG, handlers=[kept])
    sections = (
        *(attributes_of_http_and_databases, statuses, conventions, helpers, responses),
        *(conflicts, labels, instrumentors),
    )
    behaviour = {section.__name__: section() for section in sections}
    json.dump(
        {
            "names": {module: names(module) for module in sys.argv[1:]},
            **json.loads(json.dumps(behaviour, default=repr)),
            "said": kept.said,
        },
        sys.stdout,
    )
