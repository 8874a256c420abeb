"""Makes the three providers with their processors and exporters, and sets them as the global ones.

Official names: `_initialize_components`, `_init_tracing`, `_init_metrics` and `_init_logging`.
Where a part fails it is said, and the other parts are made.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from logging import getLogger
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import set_logger_provider
from opentelemetry.metrics import set_meter_provider
from opentelemetry.trace import set_tracer_provider

from oxitel.logs.batch import BatchLogRecordProcessor
from oxitel.logs.exporter import LogRecordExporter
from oxitel.logs.older_api import serve_events
from oxitel.logs.provider import LoggerProvider
from oxitel.metrics.exporter import MetricExporter
from oxitel.metrics.periodic import PeriodicExportingMetricReader
from oxitel.metrics.provider import MeterProvider
from oxitel.metrics.reader import MetricReader
from oxitel.resources.resource import Resource
from oxitel.trace.batch import BatchSpanProcessor
from oxitel.trace.export import SpanExporter
from oxitel.trace.provider import TracerProvider
from oxitel.trace.sampling import DEFAULT_ON
from oxitel.variables import zero_code as variables
from oxitel.variables.instrumentation import LOGGING_AUTO_INSTRUMENTATION

from . import selection

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

    from oxitel.logs.processor import LogRecordProcessor
    from oxitel.logs.provider import _LoggerConfiguratorT
    from oxitel.metrics.provider import _MeterConfiguratorT
    from oxitel.trace.id_generator import IdGenerator
    from oxitel.trace.processor import SpanProcessor
    from oxitel.trace.provider import _TracerConfiguratorT
    from oxitel.trace.sampling import Sampler

ExporterArgsMap = Mapping[type, Mapping[str, Any]]

_logger = getLogger("opentelemetry.sdk._configuration")

is_span_exporter = selection.is_like(SpanExporter)
is_metric_exporter = selection.is_like(MetricExporter, MetricReader)
is_metric_reader = selection.is_like(MetricReader)
is_log_exporter = selection.is_like(LogRecordExporter)
_TELEMETRY_AUTO_VERSION = "telemetry.auto.version"


def initialize_components(
    auto_instrumentation_version: str | None = None,
    trace_exporter_names: list[str] | None = None,
    metric_exporter_names: list[str] | None = None,
    log_exporter_names: list[str] | None = None,
    sampler: Sampler | None = None,
    resource_attributes: Attributes | None = None,
    id_generator: IdGenerator | None = None,
    setup_logging_handler: bool | None = None,
    exporter_args_map: ExporterArgsMap | None = None,
    span_processors: Sequence[SpanProcessor] | None = None,
    export_span_processor: Callable[..., SpanProcessor] | None = None,
    log_record_processors: Sequence[LogRecordProcessor] | None = None,
    export_log_record_processor: Callable[..., LogRecordProcessor] | None = None,
    tracer_configurator: _TracerConfiguratorT | None = None,
    meter_configurator: _MeterConfiguratorT | None = None,
    logger_configurator: _LoggerConfiguratorT | None = None,
) -> None:
    """Set up the SDK from the arguments and, for what is None, from the environment.

    The exporters' names are entry points, added to those of OTEL_*_EXPORTER;
    `exporter_args_map` has keyword arguments for their classes. `export_span_processor` and
    `export_log_record_processor` make a processor of an exporter, in place of the batching ones.
    `auto_instrumentation_version` becomes the resource attribute `telemetry.auto.version`.
    """
    attributes = dict(resource_attributes or {})
    if auto_instrumentation_version:
        attributes[_TELEMETRY_AUTO_VERSION] = auto_instrumentation_version
    resource = _resource_class().create(attributes)
    _call_opamp("pre_sdk_init_function", resource)

    span_exporters, metric_exporters, log_exporters = import_exporters(
        trace_exporter_names or [], metric_exporter_names or [], log_exporter_names or [], True
    )
    if sampler is None and (name := selection.sampler_name()) is not None:
        sampler = selection.sampler(name) or DEFAULT_ON
    if id_generator is None:
        id_generator = selection.id_generator(variables.ID_GENERATOR.read())
    tracer_configurator = tracer_configurator or selection.scope_configurator(
        "tracer", variables.TRACER_CONFIGURATOR.text()
    )
    meter_configurator = meter_configurator or selection.scope_configurator(
        "meter", variables.METER_CONFIGURATOR.text()
    )
    logger_configurator = logger_configurator or selection.scope_configurator(
        "logger", variables.LOGGER_CONFIGURATOR.text()
    )
    if setup_logging_handler is None:
        setup_logging_handler = LOGGING_AUTO_INSTRUMENTATION.read()

    with _going_on("traces"):
        init_tracing(
            exporters=span_exporters,
            id_generator=id_generator,
            sampler=sampler,
            resource=resource,
            exporter_args_map=exporter_args_map,
            span_processors=span_processors,
            export_span_processor=export_span_processor,
            tracer_configurator=tracer_configurator,
        )
    with _going_on("metrics"):
        init_metrics(
            exporters_or_readers=metric_exporters,
            resource=resource,
            exporter_args_map=exporter_args_map,
            meter_configurator=meter_configurator,
        )
    with _going_on("logs"):
        init_logging(
            log_exporters,
            resource,
            bool(setup_logging_handler),
            exporter_args_map=exporter_args_map,
            log_record_processors=log_record_processors,
            export_log_record_processor=export_log_record_processor,
            logger_configurator=logger_configurator,
        )
    _call_opamp("post_sdk_init_function", resource)


def import_exporters(
    trace_exporter_names: Sequence[str],
    metric_exporter_names: Sequence[str],
    log_exporter_names: Sequence[str],
    and_from_environment: bool = False,
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The classes of these exporters by their names, without those that cannot be had."""
    found = []
    for signal, argument, names, is_exporter in (
        ("TRACES", "trace_exporter_names", trace_exporter_names, is_span_exporter),
        ("METRICS", "metric_exporter_names", metric_exporter_names, is_metric_exporter),
        ("LOGS", "log_exporter_names", log_exporter_names, is_log_exporter),
    ):
        classes = selection.exporters(signal, names, argument, is_exporter)
        if and_from_environment:
            selected = selection.exporter_names(signal)
            source = variables.EXPORTERS[signal].name
            classes.update(selection.exporters(signal, selected, source, is_exporter))
        found.append(classes)
    traces, metrics, logs = found
    return traces, metrics, logs


def init_tracing(
    exporters: dict[str, type[SpanExporter]],
    id_generator: IdGenerator | None = None,
    sampler: Sampler | None = None,
    resource: Resource | None = None,
    exporter_args_map: ExporterArgsMap | None = None,
    span_processors: Sequence[SpanProcessor] | None = None,
    export_span_processor: Callable[..., SpanProcessor] | None = None,
    tracer_configurator: _TracerConfiguratorT | None = None,
) -> None:
    """Make a tracer provider with a processor for each exporter, and set it as the global one."""
    provider = TracerProvider(
        id_generator=id_generator,
        sampler=sampler,
        resource=resource,
        _tracer_configurator=tracer_configurator,
    )
    set_tracer_provider(provider)
    for processor in span_processors or ():
        provider.add_span_processor(processor)
    make_processor = export_span_processor or BatchSpanProcessor
    for name, exporter in _made(exporters, exporter_args_map):
        with _going_on(f"the exporter {name}"):
            provider.add_span_processor(make_processor(exporter))


def init_metrics(
    exporters_or_readers: dict[str, type[MetricExporter | MetricReader]],
    resource: Resource | None = None,
    exporter_args_map: ExporterArgsMap | None = None,
    meter_configurator: _MeterConfiguratorT | None = None,
) -> None:
    """Make a meter provider with a reader for each exporter, and set it as the global one."""
    readers: list[MetricReader] = []
    for name, made in _made(exporters_or_readers, exporter_args_map):
        with _going_on(f"the exporter {name}"):
            is_reader = is_metric_reader(type(made))
            readers.append(made if is_reader else PeriodicExportingMetricReader(made))
    provider = MeterProvider(
        resource=resource, metric_readers=readers, _meter_configurator=meter_configurator
    )
    set_meter_provider(provider)


def init_logging(
    exporters: dict[str, type[LogRecordExporter]],
    resource: Resource | None = None,
    setup_logging_handler: bool = True,
    exporter_args_map: ExporterArgsMap | None = None,
    log_record_processors: Sequence[LogRecordProcessor] | None = None,
    export_log_record_processor: Callable[..., LogRecordProcessor] | None = None,
    logger_configurator: _LoggerConfiguratorT | None = None,
) -> None:
    """Make a logger provider with a processor for each exporter, set it as the global one, and
    have the root logger's records exported if `setup_logging_handler`."""
    provider = LoggerProvider(resource=resource, _logger_configurator=logger_configurator)
    set_logger_provider(provider)
    serve_events(provider)
    for processor in log_record_processors or ():
        provider.add_log_record_processor(processor)
    make_processor = export_log_record_processor or BatchLogRecordProcessor
    for name, exporter in _made(exporters, exporter_args_map):
        with _going_on(f"the exporter {name}"):
            provider.add_log_record_processor(make_processor(exporter))
    if setup_logging_handler:
        from .root_handler import add_handler

        add_handler(provider)


def _made(
    classes: Mapping[str, Any], arguments: ExporterArgsMap | None
) -> Iterator[tuple[str, Any]]:
    for name, cls in classes.items():
        with _going_on(f"the exporter {name}"):
            yield name, cls(**(arguments or {}).get(cls, {}))


def _resource_class() -> type[Resource]:
    """What the official module has: distributions put their own there to add detectors."""
    official = sys.modules.get("opentelemetry.sdk._configuration")
    return getattr(official, "Resource", Resource)


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Say what the block raises and go on after it."""
    try:
        yield
    except Exception:
        _logger.exception("Configuration of %s failed, going on without", what)


def _call_opamp(name: str, resource: Resource) -> None:
    """Call the function of a distribution that configures from afar (OpAMP), if there is one."""
    from opentelemetry.util._importlib_metadata import entry_points

    for entry_point in entry_points(group="_opentelemetry_opamp", name=name):
        try:
            entry_point.load()(resource)
        except Exception as error:
            _logger.warning(
                "Failed to load OpAMP init function from entry point, %s: %s", entry_point, error
            )
        break
