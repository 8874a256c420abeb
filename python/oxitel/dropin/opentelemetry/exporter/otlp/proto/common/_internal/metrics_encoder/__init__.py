"""Official path of oxitel.otlp.request and oxitel.otlp.parts."""

from oxitel.incidental import incidental
from oxitel.otlp.parts import (
    EncodingException as EncodingException,
    _encode_attributes as _encode_attributes,
    _encode_instrumentation_scope as _encode_instrumentation_scope,
    _encode_resource_metrics as _encode_resource_metrics,
    _encode_span_id as _encode_span_id,
    _encode_trace_id as _encode_trace_id,
)
from oxitel.otlp.request import encode_metrics as encode_metrics

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2": (
            "ExportMetricsServiceRequest"
        ),
        "opentelemetry.proto.resource.v1.resource_pb2": "Resource:PB2Resource",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
            " OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
        ),
        "opentelemetry.sdk.metrics": (
            "Counter Exemplar Histogram ObservableCounter ObservableGauge"
            " ObservableUpDownCounter UpDownCounter"
        ),
        "opentelemetry.sdk.metrics.export": (
            "AggregationTemporality ExponentialHistogram:ExponentialHistogramType Gauge"
            " Histogram:HistogramType MetricExporter MetricsData Sum"
        ),
        "opentelemetry.sdk.metrics.view": (
            "Aggregation ExplicitBucketHistogramAggregation ExponentialBucketHistogramAggregation"
        ),
    },
    modules={"pb2": "opentelemetry.proto.metrics.v1.metrics_pb2"},
    loggers=("_logger",),
)
