"""The meter provider: readers with their exporters, views, exemplars."""

from __future__ import annotations

from typing import Any

from opentelemetry import metrics

from oxitel.export.signal import METRICS
from oxitel.metrics import aggregation as aggregations, instrument as instruments
from oxitel.metrics.meter import _MeterConfig
from oxitel.metrics.periodic import PeriodicExportingMetricReader
from oxitel.metrics.preferences import preferred_aggregations, preferred_temporalities
from oxitel.metrics.provider import MeterProvider, _get_exemplar_filter
from oxitel.metrics.reader import MetricReader
from oxitel.metrics.view import View
from oxitel.resources.resource import Resource
from oxitel.setup import plugins
from oxitel.variables import otlp as variables
from oxitel.variables.variable import reading

from .exporters import make_exporter, no_limit_if_zero
from .scopes import scope_configurator
from .section import Section

_INSTRUMENTS: dict[str, type] = {
    "counter": instruments.Counter,
    "gauge": instruments.Gauge,
    "histogram": instruments.Histogram,
    "observable_counter": instruments.ObservableCounter,
    "observable_gauge": instruments.ObservableGauge,
    "observable_up_down_counter": instruments.ObservableUpDownCounter,
    "up_down_counter": instruments.UpDownCounter,
}
_TEMPORALITIES = {"cumulative": "cumulative", "delta": "delta", "low_memory": "lowmemory"}


def set_meter_provider(section: Section, resource: Resource) -> None:
    """Make the provider that the section describes, and set it as the global one."""
    readers: list[MetricReader] = []
    for entry in section.sections("readers"):
        with entry.going_on("this reader"):
            reader = _reader(entry)
            if reader is not None:
                readers.append(reader)
    views = []
    for entry in section.sections("views"):
        with entry.going_on("this view"):
            views.append(_view(entry))
    filters = ("trace_based", "always_on", "always_off")
    provider = MeterProvider(
        metric_readers=readers,
        resource=resource,
        exemplar_filter=_get_exemplar_filter(
            section.choice("exemplar_filter", filters) or "trace_based"
        ),
        views=views,
        _meter_configurator=scope_configurator(
            section, "meter_configurator/development", "meters", _MeterConfig
        ),
    )
    metrics.set_meter_provider(provider)


def _reader(entry: Section) -> Any:
    chosen = entry.only()
    if chosen is None:
        return None
    name, settings = chosen
    if name == "periodic":
        return _periodic(settings)
    if name == "pull":
        return _pull(settings)
    settings.messages.say(settings.path, "not known; periodic and pull are")
    settings.rest()
    return None


def _periodic(section: Section) -> MetricReader | None:
    interval = section.integer("interval", 1)
    timeout = no_limit_if_zero(section.integer("timeout", 0))
    limits = _cardinality_limits(section)
    most = section.integer("max_export_batch_size/development", 1)
    section.unsupported("producers")
    exporter = _push_exporter(section, most)
    return exporter and PeriodicExportingMetricReader(exporter, interval, timeout, limits)


def _push_exporter(section: Section, most: int | None) -> Any:
    """The exporter with what it prefers, which for ours is a setting of the exporter."""
    holder = section.section("exporter")
    settings = None
    for name in ("otlp_http", "otlp_grpc", "otlp_file/development", "console"):
        if holder is not None and holder.has(name):
            settings = holder.section(name)
            break
    else:
        return make_exporter(section, "exporter", METRICS)
    preferences = {}
    if settings is not None:
        temporality = settings.choice("temporality_preference", _TEMPORALITIES)
        histograms = settings.choice(
            "default_histogram_aggregation",
            variables.METRICS_DEFAULT_HISTOGRAM_AGGREGATION.names,
        )
        if temporality is not None:
            name = variables.METRICS_TEMPORALITY_PREFERENCE.name
            preferences[name] = _TEMPORALITIES[temporality]
        if histograms is not None:
            preferences[variables.METRICS_DEFAULT_HISTOGRAM_AGGREGATION.name] = histograms
    with reading(preferences):
        return make_exporter(
            section,
            "exporter",
            METRICS,
            preferred_temporality=preferred_temporalities(None),
            preferred_aggregation=preferred_aggregations(None),
            max_export_batch_size=most,
        )


def _cardinality_limits(section: Section) -> dict[type, int]:
    holder = section.section("cardinality_limits")
    if holder is None:
        return {}
    default = holder.integer("default", 1)
    limits = {cls: holder.integer(name, 1) or default for name, cls in _INSTRUMENTS.items()}
    return {cls: limit for cls, limit in limits.items() if limit is not None}


def _pull(section: Section) -> Any:
    section.unsupported("producers", "cardinality_limits")
    holder = section.section("exporter")
    chosen = holder and holder.only()
    if not chosen:
        section.say("exporter", "missing; nothing is exported here")
        return None
    name, settings = chosen
    if name == "prometheus/development":
        return _prometheus(settings)
    try:
        return plugins.find("opentelemetry_pull_metric_exporter", name)(**settings.rest())
    except LookupError:
        settings.messages.say(settings.path, "no installed package has this exporter")
        return None


def _prometheus(section: Section) -> Any:
    section.unsupported("scope_info_enabled", "resource_constant_labels", "translation_strategy")
    host, port = section.text("host") or "localhost", section.integer("port", 0)
    has_target_info = section.flag("target_info_enabled/development")
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader, start_http_server
    except ImportError:
        section.messages.say(section.path, "needs the package opentelemetry-exporter-prometheus")
        return None
    reader = PrometheusMetricReader(disable_target_info=has_target_info is False)
    start_http_server(port=9464 if port is None else port, addr=host)
    return reader


def _view(section: Section) -> View:
    selector = section.section("selector") or Section({}, section.path, section.messages)
    stream = section.section("stream") or Section({}, section.path, section.messages)
    kind = selector.choice("instrument_type", _INSTRUMENTS)
    aggregation = stream.section("aggregation")
    return View(
        instrument_type=None if kind is None else _INSTRUMENTS[kind],
        instrument_name=selector.text("instrument_name"),
        instrument_unit=selector.text("unit"),
        meter_name=selector.text("meter_name"),
        meter_version=selector.text("meter_version"),
        meter_schema_url=selector.text("meter_schema_url"),
        name=stream.text("name"),
        description=stream.text("description"),
        attribute_keys=_attribute_keys(stream),
        aggregation=aggregation and _aggregation(aggregation),
        aggregation_cardinality_limit=stream.integer("aggregation_cardinality_limit", 1),
    )


def _attribute_keys(stream: Section) -> set[str] | None:
    section = stream.section("attribute_keys")
    if section is None:
        return None
    section.unsupported("excluded")
    included = section.texts("included")
    if included is None:
        return None
    if any("*" in name or "?" in name for name in included):
        section.say("included", "patterns are not supported; the names are taken as they are")
    return set(included)


def _aggregation(section: Section) -> aggregations.Aggregation | None:
    chosen = section.only()
    if chosen is None:
        return None
    name, settings = chosen
    without_settings = {
        "default": aggregations.DefaultAggregation,
        "drop": aggregations.DropAggregation,
        "last_value": aggregations.LastValueAggregation,
        "sum": aggregations.SumAggregation,
    }
    if name in without_settings:
        return without_settings[name]()
    arguments: dict[str, Any] = {}
    if name == "explicit_bucket_histogram":
        arguments["boundaries"] = settings.numbers("boundaries")
        kind: type[aggregations.Aggregation] = aggregations.ExplicitBucketHistogramAggregation
    elif name == "base2_exponential_bucket_histogram":
        arguments["max_size"] = settings.integer("max_size", 2)
        arguments["max_scale"] = settings.integer("max_scale", -10)
        kind = aggregations.ExponentialBucketHistogramAggregation
    else:
        settings.messages.say(settings.path, "not known; the default aggregation is used")
        settings.rest()
        return None
    arguments["record_min_max"] = settings.flag("record_min_max")
    return kind(**{key: value for key, value in arguments.items() if value is not None})
