"""The configurator and the distribution: parts of other packages, parts that fail, and what is
left as it was. What official names do is compared in differential/programs/configurator.py."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk import _configuration
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from conftest import program_environment
from oxitel.resources.resource import Resource
from oxitel.setup import Configurator, components, plugins
from oxitel.setup.zero_code import chosen
from oxitel.setup.zero_code.distro import Distro, chosen_configurator, chosen_distro
from oxitel.variables import variable as variable_module


class Made:
    """The providers that were made, in place of the global ones."""

    set_tracer_provider: Any = None
    set_meter_provider: Any = None
    set_logger_provider: Any = None


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    result = Made()
    monkeypatch.setattr(variable_module, "_said", set())
    for name in ("set_tracer_provider", "set_meter_provider", "set_logger_provider"):
        monkeypatch.setattr(components, name, lambda value, name=name: setattr(result, name, value))
    yield result
    for provider in vars(result).values():
        provider.shutdown()


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], Any]:
    """What other packages have registered, by group and name."""
    registered: dict[tuple[str, str], Any] = {}
    find = plugins.find
    monkeypatch.setattr(
        plugins, "find", lambda group, name: registered.get((group, name)) or find(group, name)
    )
    return registered


class Exporter(SpanExporter):
    def __init__(self, url: str = "default") -> None:
        if url == "unusable":
            raise RuntimeError("no such place")
        self.url = url

    def export(self, spans: Any) -> Any:
        return None

    def shutdown(self) -> None:
        pass


def test_exporters_and_samplers_of_other_packages_are_found_by_their_names(
    made: Made, found: dict[tuple[str, str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found["opentelemetry_traces_exporter", "mine"] = Exporter
    found["opentelemetry_traces_sampler", "mine"] = lambda argument: ALWAYS_OFF
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "mine,console,mine,")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "mine")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "anything")
    Configurator().configure()
    processors = made.set_tracer_provider._active_span_processor._span_processors
    exporters = [type(processor.span_exporter).__name__ for processor in processors]
    assert exporters == ["Exporter", "ConsoleSpanExporter"]
    assert made.set_tracer_provider.sampler is ALWAYS_OFF


def test_a_part_that_fails_is_said_and_the_others_are_set_up(
    made: Made,
    found: dict[tuple[str, str], Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Names(SpanProcessor):
        pass

    found["opentelemetry_traces_exporter", "mine"] = Exporter
    found["opentelemetry_logs_exporter", "wrong"] = Exporter
    monkeypatch.setenv("OTEL_LOGS_EXPORTER", "wrong,console")
    Configurator().configure(
        trace_exporter_names=["mine", "nothing"],
        metric_exporter_names=["console"],
        exporter_args_map={Exporter: {"url": "unusable"}},
        span_processors=[Names()],
        resource_attributes={"service.name": "shop"},
        auto_instrumentation_version="1.0",
    )
    processors = made.set_tracer_provider._active_span_processor._span_processors
    assert [type(processor) for processor in processors] == [Names]
    assert made.set_tracer_provider.resource.attributes["telemetry.auto.version"] == "1.0"
    assert len(made.set_meter_provider._metric_readers) == 1
    logs = made.set_logger_provider._multi_log_record_processor._log_record_processors
    assert len(logs) == 1
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(". ")[0] for text in said] == [
        "Invalid value for trace_exporter_names: 'nothing'",
        "Invalid value for OTEL_LOGS_EXPORTER: 'wrong'",
        "Configuration of the exporter mine failed, going on without",
    ]


def test_the_attributes_that_are_given_stay_as_they_are(made: Made) -> None:
    attributes = {"service.name": "shop"}
    Configurator().configure(resource_attributes=attributes, auto_instrumentation_version="1.0")
    assert attributes == {"service.name": "shop"}


def test_what_is_put_in_the_place_of_the_resource_class_makes_the_resource(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Detecting(Resource):
        @staticmethod
        def create(attributes: Any = None, schema_url: str | None = None) -> Resource:
            return Resource.create({**attributes, "container.id": "c1"})

    monkeypatch.setattr(_configuration, "Resource", Detecting)
    Configurator().configure(resource_attributes={"service.name": "shop"})
    found = made.set_tracer_provider.resource.attributes
    assert (found["service.name"], found["container.id"]) == ("shop", "c1")


def test_opamp_functions_are_called_before_and_after_and_may_fail(
    made: Made, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    called: list[Any] = []

    class EntryPoint:
        def __init__(self, name: str) -> None:
            self.name = name

        def load(self) -> Callable[[Resource], None]:
            def call(resource: Resource) -> None:
                called.append((self.name, resource.attributes["service.name"]))
                if self.name.startswith("pre"):
                    raise RuntimeError("unreachable")

            return call

    import opentelemetry.util._importlib_metadata as metadata

    def entry_points(group: str, name: str = "") -> list[EntryPoint]:
        return [EntryPoint(name)] if group == "_opentelemetry_opamp" else []

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    Configurator().configure()
    assert called == [("pre_sdk_init_function", "shop"), ("post_sdk_init_function", "shop")]
    assert "unreachable" in caplog.text


def test_the_distribution_sets_defaults_for_what_is_unset_or_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    for name, value in {
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": " ",
    }.items():
        monkeypatch.setenv(name, value)
    Distro().configure()
    assert os.environ["OTEL_TRACES_EXPORTER"] == "console"
    assert os.environ["OTEL_METRICS_EXPORTER"] == "otlp"
    assert os.environ["OTEL_LOGS_EXPORTER"] == "none"
    assert os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"


@pytest.mark.parametrize(
    ("variable", "is_first", "is_ours"),
    [(None, True, True), (None, False, False), ("oxitel", False, True), ("other", True, False)],
)
def test_ours_steps_aside_where_another_is_chosen_or_wins(
    variable: str | None, is_first: bool, is_ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OTEL_PYTHON_DISTRO", "OTEL_PYTHON_CONFIGURATOR"):
        if variable is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, variable)
    monkeypatch.setattr(chosen, "_is_first", lambda: is_first)
    assert (chosen_distro() is not None) == is_ours
    assert isinstance(chosen_configurator(), Configurator) == is_ours


@pytest.mark.parametrize(
    ("names", "fields", "message"),
    [
        ("tracecontext,nonsense", "traceparent tracestate", "Using tracecontext."),
        ("nonsense", "baggage traceparent tracestate", "Using tracecontext,baggage."),
        ("None", "", None),
    ],
)
def test_a_wrong_propagator_is_named_and_the_others_are_used(
    names: str, fields: str, message: str | None
) -> None:
    program = (
        "from oxitel.setup.propagators import leave_out_unknown\n"
        "leave_out_unknown()\n"
        "from opentelemetry import propagate\n"
        "print(*sorted(propagate.get_global_textmap().fields))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env=program_environment({"OTEL_PROPAGATORS": names}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert finished.stdout.strip() == fields
    if message is None:
        assert finished.stderr == ""
    else:
        (line,) = finished.stderr.splitlines()
        assert line.startswith("Invalid value for OTEL_PROPAGATORS: 'nonsense'.")
        assert line.endswith(message)
