//! Our own Python modules, as far as native code asks them for something. Each name stands here once.

use super::object::Object;

macro_rules! objects {
    ($($module:literal { $($constant:ident = $name:literal),* $(,)? })*) => {
        $($(pub(crate) static $constant: Object = Object::new($module, $name);)*)*
    };
}

objects! {
    "oxitel._native" {
        LOG_PENDING = "log_pending",
    }
    "oxitel.diagnostics.shown" {
        SHOWN = "Shown",
    }
    "oxitel.diagnostics.worker_messages" {
        LOG_WORKER_MESSAGE = "log",
    }
    "oxitel.instrumentation.asgi" {
        PROPAGATE_RESPONSE = "_propagate",
        SENT = "_sent",
    }
    "oxitel.lifetime" {
        REFRESH_AFTER_FORK = "refresh_after_fork",
    }
    "oxitel.logs.batch" {
        BATCH_LOG_RECORD_PROCESSOR = "BatchLogRecordProcessor",
    }
    "oxitel.logs.limits" {
        LOG_RECORD_LIMITS = "LogRecordLimits",
        WARN_OF_DROPPED_ATTRIBUTES = "warn_of_dropped_attributes",
    }
    "oxitel.logs.processor" {
        LOG_RECORD_PROCESSOR = "LogRecordProcessor",
        MULTI_LOG_RECORD_PROCESSOR = "SynchronousMultiLogRecordProcessor",
    }
    "oxitel.logs.provider" {
        LOGGER = "Logger",
        LOGGER_PROVIDER = "LoggerProvider",
    }
    "oxitel.logs.record" {
        NEW_LOG_RECORD = "new_record",
        READABLE_LOG_RECORD = "ReadableLogRecord",
        READ_WRITE_LOG_RECORD = "ReadWriteLogRecord",
    }
    "oxitel.logs.service" {
        SERVICE_NAME = "service_name",
    }
    "oxitel.logs.span_record" {
        CONTEXT_OF_RECORD = "context_of",
        SPAN_LOG_RECORD = "SpanLogRecord",
    }
    "oxitel.metrics.exemplar" {
        ALWAYS_OFF_EXEMPLAR_FILTER = "AlwaysOffExemplarFilter",
        ALWAYS_ON_EXEMPLAR_FILTER = "AlwaysOnExemplarFilter",
        TRACE_BASED_EXEMPLAR_FILTER = "TraceBasedExemplarFilter",
    }
    "oxitel.metrics.point" {
        AGGREGATION_TEMPORALITY = "AggregationTemporality",
        BUCKETS = "Buckets",
        EXEMPLAR = "Exemplar",
        EXPONENTIAL_HISTOGRAM = "ExponentialHistogram",
        EXPONENTIAL_HISTOGRAM_DATA_POINT = "ExponentialHistogramDataPoint",
        GAUGE = "Gauge",
        HISTOGRAM = "Histogram",
        HISTOGRAM_DATA_POINT = "HistogramDataPoint",
        METRIC = "Metric",
        NUMBER_DATA_POINT = "NumberDataPoint",
        RESOURCE_METRICS = "ResourceMetrics",
        SCOPE_METRICS = "ScopeMetrics",
        SUM = "Sum",
    }
    "oxitel.propagation.b3" {
        B3_FORMAT = "B3Format",
        B3_MULTI_FORMAT = "B3MultiFormat",
        B3_SINGLE_FORMAT = "B3SingleFormat",
    }
    "oxitel.propagation.jaeger" {
        JAEGER_PROPAGATOR = "JaegerPropagator",
    }
    "oxitel.propagation.w3c" {
        BAGGAGE_PROPAGATOR = "BaggagePropagator",
        TRACE_CONTEXT_PROPAGATOR = "TraceContextPropagator",
    }
    "oxitel.resources.resource" {
        RESOURCE = "Resource",
    }
    "oxitel.trace.lookalike" {
        SHOWN_SPAN = "shown",
    }
    "oxitel.trace.batch" {
        BATCH_SPAN_PROCESSOR = "BatchSpanProcessor",
    }
    "oxitel.trace.containers" {
        BOUNDED_LIST = "BoundedList",
    }
    "oxitel.trace.decorator" {
        DECORATE = "decorate",
    }
    "oxitel.trace.event" {
        EVENT = "Event",
    }
    "oxitel.trace.id_generator" {
        RANDOM_ID_GENERATOR = "RandomIdGenerator",
    }
    "oxitel.trace.processor" {
        MULTI_SPAN_PROCESSOR = "SynchronousMultiSpanProcessor",
        SPAN_PROCESSOR = "SpanProcessor",
    }
    "oxitel.trace.sampling" {
        PARENT_BASED = "ParentBased",
        PARENT_BASED_TRACE_ID_RATIO = "ParentBasedTraceIdRatio",
        STATIC_SAMPLER = "StaticSampler",
        TRACE_ID_RATIO_BASED = "TraceIdRatioBased",
    }
    "oxitel.trace.span" {
        CONSTRUCTOR_ARGUMENTS = "constructor_arguments",
        INSTRUMENTATION_INFO = "instrumentation_info",
        SPAN_TO_JSON = "to_json",
    }
}
