"""Other distributions keep modules in the same namespaces; all of them stay importable."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dropin.conftest import API, BETA, ROOT, Environment

# Distribution, a module of it, and whether it imports the metrics SDK, which we do not have yet.
NEIGHBOURS = (
    ("opentelemetry-semantic-conventions", BETA, "opentelemetry.semconv.attributes"),
    ("opentelemetry-proto", API, "opentelemetry.proto.trace.v1.trace_pb2"),
    ("opentelemetry-instrumentation", BETA, "opentelemetry.instrumentation.instrumentor"),
    ("opentelemetry-instrumentation-flask", BETA, "opentelemetry.instrumentation.flask"),
    ("opentelemetry-instrumentation-requests", BETA, "opentelemetry.instrumentation.requests"),
    ("opentelemetry-util-http", BETA, "opentelemetry.util.http"),
    ("opentelemetry-propagator-b3", API, "opentelemetry.propagators.b3"),
    ("opentelemetry-propagator-aws-xray", "1.0.2", "opentelemetry.propagators.aws"),
)
LIBRARIES = ("flask", "requests", "wrapt", "packaging", "protobuf", "googleapis-common-protos")


@pytest.fixture(scope="module")
def with_neighbours(make_environment: Callable[..., Environment]) -> Environment:
    environment = make_environment("oxitel", f"opentelemetry-api=={API}", *LIBRARIES)
    environment.install(
        *(f"{name}=={version}" for name, version, _ in NEIGHBOURS),
        "opentelemetry-instrumentation-wsgi",
    )
    return environment


@pytest.mark.parametrize("first", ["", "import oxitel.auto\n"], ids=["plain", "switched"])
@pytest.mark.parametrize("module", [module for _, _, module in NEIGHBOURS])
def test_a_neighbour_imports_before_and_after_our_modules(
    module: str, first: str, with_neighbours: Environment
) -> None:
    ours = "import opentelemetry.sdk.trace as ours"
    for program in (f"import {module}\n{ours}", f"{ours}\nimport {module}"):
        assert "/oxitel/dropin/" in with_neighbours.output(
            f"{first}{program}\nprint(ours.__file__)"
        )


@pytest.mark.parametrize(
    ("requirement", "module"),
    [
        # Each lives below a namespace in which we have modules of our own, and imports ours.
        ("opentelemetry-sdk-extension-aws==2.1.0", "opentelemetry.sdk.extension.aws.resource.ec2"),
        ("opentelemetry-exporter-zipkin-json==1.45.1", "opentelemetry.exporter.zipkin.json"),
    ],
)
def test_a_neighbour_that_builds_on_the_sdk_runs_on_ours(
    requirement: str, module: str, make_environment: Callable[..., Environment]
) -> None:
    environment = make_environment(
        *("oxitel", f"opentelemetry-api=={API}", "requests"),
        f"opentelemetry-semantic-conventions=={BETA}",
    )
    # Its metadata asks for the official SDK, which is what we stand in for.
    environment.install(requirement, dependencies=False)
    printed = environment.output(
        f"import sys, {module}\n"
        "print(sys.modules['opentelemetry.sdk.trace' if 'opentelemetry.sdk.trace' in sys.modules"
        " else 'opentelemetry.sdk.resources'].__file__)"
    )
    assert "/oxitel/dropin/" in printed


def test_a_neighbour_inside_exporter_is_found(
    make_environment: Callable[..., Environment],
) -> None:
    environment = make_environment("oxitel", f"opentelemetry-api=={API}")
    # It needs the metrics SDK to run, which we do not have yet; being found is what we owe it.
    environment.install("opentelemetry-exporter-prometheus", dependencies=False)
    printed = environment.output(
        "import importlib.util as u, opentelemetry.exporter.otlp.proto.grpc.trace_exporter\n"
        "print(u.find_spec('opentelemetry.exporter.prometheus').origin)"
    )
    assert printed.endswith("opentelemetry/exporter/prometheus/__init__.py")


@pytest.mark.parametrize(
    "module",
    [
        "opentelemetry.sdk.metrics",
        "opentelemetry.sdk.metrics.export",
        "opentelemetry.sdk._logs",
        "opentelemetry.sdk._logs.export",
        "opentelemetry.exporter.otlp.proto.grpc.metric_exporter",
        "opentelemetry.exporter.otlp.proto.grpc._log_exporter",
        "opentelemetry.exporter.otlp.proto.http.metric_exporter",
        "opentelemetry.exporter.otlp.proto.http._log_exporter",
    ],
)
def test_every_signal_is_ours_after_the_switch(module: str, official_present: Environment) -> None:
    printed = official_present.output(
        "import oxitel.auto\n"
        "import opentelemetry.sdk.trace as ours\n"
        f"import {module} as other\n"
        "print('/oxitel/dropin/' in ours.__file__, '/oxitel/dropin/' in other.__file__)"
    )
    assert printed == "True True"


def test_the_signals_work_together_after_the_switch(official_present: Environment) -> None:
    printed = official_present.output(
        """
import oxitel.auto
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

resource = Resource.create({"service.name": "mixed"})
reader = InMemoryMetricReader()
meters = MeterProvider(metric_readers=[reader], resource=resource)
memory = InMemoryLogRecordExporter()
loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(SimpleLogRecordProcessor(memory))
tracers = TracerProvider(resource=resource, meter_provider=meters)

with tracers.get_tracer("a").start_as_current_span("work") as span:
    meters.get_meter("a").create_counter("orders").add(3)
    loggers.get_logger("a").emit(body="done")

(resource_metrics,) = reader.get_metrics_data().resource_metrics
assert resource_metrics.resource.attributes["service.name"] == "mixed"
(point,) = resource_metrics.scope_metrics[0].metrics[0].data.data_points
assert point.value == 3
(exemplar,) = point.exemplars
assert exemplar.span_id == span.get_span_context().span_id
(log,) = memory.get_finished_logs()
assert log.log_record.trace_id == span.get_span_context().trace_id
import sys
print("/oxitel/dropin/" in sys.modules[type(resource).__module__].__file__)
"""
    )
    assert printed == "True"


def test_the_wheel_holds_the_licences_of_what_is_linked_into_it(wheel: Path) -> None:
    page = (ROOT / "THIRD-PARTY-LICENSES.txt").read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        texts = {
            name.partition(".dist-info/licenses/")[2]: archive.read(name)
            for name in archive.namelist()
            if ".dist-info/licenses/" in name
        }
    assert texts == {"LICENSE": (ROOT / "LICENSE").read_bytes(), "THIRD-PARTY-LICENSES.txt": page}


def test_the_wheel_holds_one_path_file_and_no_namespace_init(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        paths = [name for name in names if name.endswith(".pth")]
        # Beside the extension module (platlib), since the line is relative to where the file is.
        assert [name.split("/", 1)[1] for name in paths] == ["platlib/oxitel_dropin.pth"]
        assert archive.read(paths[0]).decode() == "oxitel/dropin\noxitel/base\n"
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.startswith("oxitel-")} == {"oxitel"}
    namespaces = (
        *("opentelemetry", "opentelemetry/sdk", "opentelemetry/exporter"),
        *("opentelemetry/exporter/otlp", "opentelemetry/exporter/otlp/proto"),
        *("opentelemetry/instrumentation", "opentelemetry/util", "opentelemetry/propagators"),
    )
    for namespace in namespaces:
        for folder in ("dropin", "base"):
            assert f"oxitel/{folder}/{namespace}/__init__.py" not in names
