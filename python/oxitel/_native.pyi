"""The native module. `make lint` compares this file with the binary (`mypy.stubtest`)."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any, Final, Literal, TypeVar, final

from opentelemetry import trace as trace_api
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AnyValue, Attributes, AttributeValue
from typing_extensions import Self, disjoint_base

from oxitel._native_instrumentation import (
    AsgiSend,
    ClientCall,
    ClientMethod,
    ClientTrace,
    ClientTraces,
    Database,
    DatabaseCall,
    DatabaseMethod,
    HttpClient,
    HttpServer,
    ResponseBody,
    ServerRequest,
    StartResponse,
    asgi_url,
    is_http_suppressed,
    is_suppressed,
    known_http_method,
    redact_url,
    redact_url_credentials,
    redact_url_query,
    sql_operation,
    synthetic_user_agent,
    url_text,
)
from oxitel.export.settings import Settings
from oxitel.logs.limits import LogRecordLimits
from oxitel.logs.processor import LogRecordProcessor
from oxitel.logs.record import ReadableLogRecord, ReadWriteLogRecord
from oxitel.metrics.exemplar import ExemplarFilter
from oxitel.metrics.point import MetricsData, ResourceMetrics
from oxitel.resources.resource import Resource
from oxitel.scope import InstrumentationInfo, InstrumentationScope
from oxitel.trace.event import Event, EventBase
from oxitel.trace.id_generator import IdGenerator
from oxitel.trace.limits import SpanLimits
from oxitel.trace.processor import SpanProcessor
from oxitel.trace.sampling import Sampler

__all__ = [
    "EXPORT_TIMEOUT_SECONDS",
    "GRPC_CODES",
    "LOGGING_ATTRIBUTES",
    "MAX_HTTP_REQUEST_BYTES",
    "RETRYABLE_GRPC_CODES",
    "AsgiSend",
    "B3Propagator",
    "BaggagePropagator",
    "BatchProcessor",
    "Bell",
    "ClientCall",
    "ClientMethod",
    "ClientTrace",
    "ClientTraces",
    "CompositePropagator",
    "Counter",
    "Database",
    "DatabaseCall",
    "DatabaseMethod",
    "Endpoint",
    "Errand",
    "Exporter",
    "Gauge",
    "Histogram",
    "HttpClient",
    "HttpServer",
    "JSONFormatter",
    "JaegerPropagator",
    "KeptMetrics",
    "LastMetrics",
    "LogRecordFactory",
    "Logger",
    "LoggingHandler",
    "MetricStream",
    "MetricsSnapshot",
    "NonRecordingSpan",
    "Observer",
    "Pipeline",
    "ReadableSpan",
    "ResponseBody",
    "ServerRequest",
    "Span",
    "SpanCounts",
    "SpanRecordFactory",
    "SpanScope",
    "StartResponse",
    "TraceContextPropagator",
    "Tracer",
    "UpDownCounter",
    "_Span",
    "asgi_url",
    "buffer_files",
    "collect_metrics",
    "default_port",
    "encode_logs",
    "encode_metrics",
    "encode_spans",
    "export_logs",
    "export_metrics",
    "export_spans",
    "final_attributes",
    "finish_diagnostics",
    "forget_said",
    "grpc_method",
    "grpc_retry_delay",
    "is_http_suppressed",
    "is_retryable_http",
    "is_suppressed",
    "is_too_large_grpc",
    "known_http_method",
    "log_losses",
    "log_pending",
    "partial_success",
    "queue_ending_spans",
    "queue_log_record",
    "queue_span",
    "random_span_id",
    "random_trace_id",
    "readable_log_record",
    "redact_url",
    "redact_url_credentials",
    "redact_url_query",
    "retry_after",
    "retry_wait",
    "scheme_and_authority",
    "set_clock",
    "settle_fork",
    "severity_number",
    "severity_text",
    "shown_endpoint",
    "sql_operation",
    "synthetic_user_agent",
    "url_text",
]

LOGGING_ATTRIBUTES: tuple[str, ...]

_Function = TypeVar("_Function", bound=Callable[..., Any])

@disjoint_base
class ReadableSpan:
    """What a span has recorded. Official name: `opentelemetry.sdk.trace.ReadableSpan`."""

    __dict__: dict[str, Any]
    _name: str
    _attributes: Any
    _events: Any
    _links: Any
    _status: Status
    _resource: Resource
    _context: SpanContext
    _parent: SpanContext | None
    _kind: SpanKind
    _start_time: int | None
    _end_time: int | None
    _instrumentation_scope: InstrumentationScope | None
    _instrumentation_info: InstrumentationInfo | None

    def __new__(
        cls,
        name: str,
        context: SpanContext | None = None,
        parent: SpanContext | None = None,
        resource: Resource | None = None,
        attributes: Attributes = None,
        events: Sequence[Event] | None = None,
        links: Sequence[Link] | None = None,
        kind: SpanKind | None = None,
        instrumentation_info: InstrumentationInfo | None = None,
        status: Status | None = None,
        start_time: int | None = None,
        end_time: int | None = None,
        instrumentation_scope: InstrumentationScope | None = None,
    ) -> ReadableSpan: ...
    def get_span_context(self) -> SpanContext: ...
    def to_json(self, indent: int | None = ...) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def context(self) -> SpanContext: ...
    @property
    def parent(self) -> SpanContext | None: ...
    @property
    def kind(self) -> SpanKind: ...
    @property
    def start_time(self) -> int | None: ...
    @property
    def end_time(self) -> int | None: ...
    @property
    def status(self) -> Status: ...
    @property
    def attributes(self) -> MappingProxyType[str, AttributeValue]: ...
    @property
    def events(self) -> tuple[Event, ...]: ...
    @property
    def links(self) -> tuple[Link, ...]: ...
    @property
    def dropped_attributes(self) -> int: ...
    @property
    def dropped_events(self) -> int: ...
    @property
    def dropped_links(self) -> int: ...
    @property
    def resource(self) -> Resource: ...
    @property
    def instrumentation_scope(self) -> InstrumentationScope | None: ...
    @property
    def instrumentation_info(self) -> InstrumentationInfo | None: ...

# To Python a virtual subclass of the API's class, registered when the module is loaded.
@disjoint_base
class Span(ReadableSpan, trace_api.Span):
    """A span that is being recorded. Official name: `opentelemetry.sdk.trace.Span`."""

    _span_processor: SpanProcessor
    _sampler: Sampler | None
    _record_exception: bool
    _set_status_on_exception: bool

    def __new__(cls, *arguments: Any, **options: Any) -> Span: ...
    @property
    def _limits(self) -> SpanLimits: ...
    @property
    def _trace_config(self) -> None: ...
    def _add_event(self, event: EventBase) -> None: ...
    def _add_link(self, link: Link) -> None: ...
    def set_attribute(self, key: str, value: AttributeValue) -> None: ...
    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None: ...
    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None: ...
    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None: ...
    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None: ...
    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None: ...
    def update_name(self, name: str) -> None: ...
    def is_recording(self) -> bool: ...
    def start(
        self, start_time: int | None = None, parent_context: Context | None = None
    ) -> None: ...
    def end(self, end_time: int | None = None) -> None: ...
    def __enter__(self) -> Span: ...
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None: ...
    def _readable_span(self) -> ReadableSpan: ...

class _Span(Span):
    """The class of the spans that tracers make."""

    def __new__(cls, *arguments: Any, **options: Any) -> _Span: ...

@final
class NonRecordingSpan:
    """What `start_span` gives when nothing is recorded, and a span of another process: a virtual
    subclass of the API's `NonRecordingSpan`, with methods that do nothing."""

    __dict__: dict[str, Any]

    def get_span_context(self) -> SpanContext: ...
    @property
    def _context(self) -> SpanContext: ...
    def is_recording(self) -> bool: ...
    def end(self, end_time: int | None = None) -> None: ...
    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None: ...
    def set_attribute(self, key: str, value: AttributeValue) -> None: ...
    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None: ...
    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None: ...
    def update_name(self, name: str) -> None: ...
    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None: ...
    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None: ...
    def __enter__(self) -> NonRecordingSpan: ...
    def __exit__(self, *arguments: object) -> None: ...

@final
class SpanScope:
    """What `start_as_current_span` returns: a context manager and a decorator."""

    def __enter__(self) -> Span: ...
    def __exit__(
        self,
        _exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        _exc_tb: TracebackType | None,
    ) -> Literal[False]: ...
    def __call__(self, function: _Function) -> _Function: ...
    def _recreate_cm(self) -> SpanScope: ...
    def _start(self) -> Span: ...
    def _finish(self, span: Span, error: BaseException | None) -> None: ...

@disjoint_base
class Tracer(trace_api.Tracer):
    """Makes spans. Official name: `opentelemetry.sdk.trace.Tracer`."""

    __dict__: dict[str, Any]
    sampler: Sampler
    resource: Resource
    span_processor: SpanProcessor
    id_generator: IdGenerator

    def __copy__(self) -> Self: ...
    def __new__(
        cls,
        sampler: Sampler,
        resource: Resource,
        span_processor: SpanProcessor,
        id_generator: IdGenerator,
        instrumentation_info: InstrumentationInfo,
        span_limits: SpanLimits,
        instrumentation_scope: InstrumentationScope,
        *,
        meter_provider: Any = None,
        _tracer_config: Any = None,
    ) -> Tracer: ...
    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span: ...
    def start_as_current_span(  # type: ignore[override]
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> SpanScope: ...
    def _set_enabled(self, is_enabled: bool) -> None: ...
    def _count_in(self, counts: SpanCounts) -> None: ...
    def _is_enabled(self) -> bool: ...
    @property
    def instrumentation_info(self) -> InstrumentationInfo: ...
    @property
    def _instrumentation_scope(self) -> InstrumentationScope: ...
    @property
    def _span_limits(self) -> SpanLimits: ...

@final
class SpanCounts:
    """How many spans were started and are live."""

    def __new__(cls) -> SpanCounts: ...
    def reset(self) -> None: ...
    def started(self) -> list[tuple[str, str, int]]: ...
    def live(self) -> list[tuple[str, int]]: ...

@final
class Pipeline:
    """The native half of `SynchronousMultiSpanProcessor` and its sibling for log records."""

    def __new__(cls, signal: str, processor: object) -> Pipeline: ...
    def update(self) -> None: ...

MAX_HTTP_REQUEST_BYTES: Final[int]
"""The largest body of an HTTP request before compression, unless another is chosen."""
EXPORT_TIMEOUT_SECONDS: Final[float]
"""For one export with all its retries, unless another is chosen."""
GRPC_CODES: Final[list[str]]
"""The names of gRPC's status codes, by number."""
RETRYABLE_GRPC_CODES: Final[list[int]]
"""The codes after which an export is tried again, unless others are chosen."""

@final
class Endpoint:
    """An endpoint as the exporters read it. ValueError says why it cannot be used."""

    def __new__(cls, text: str, protocol: str, insecure: bool) -> Endpoint: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def socket(self) -> str | None: ...
    @property
    def is_tls(self) -> bool: ...
    @property
    def authorization(self) -> str | None: ...

@final
class Exporter:
    """An OTLP destination. ValueError names the part of the settings that cannot be used."""

    def __new__(cls, settings: Settings) -> Exporter: ...
    @staticmethod
    def carried(
        signal: str,
        destination: str,
        timeout_seconds: float,
        max_message_bytes: int,
        make: Callable[[], Any],
    ) -> Exporter: ...
    def keep_operations(self) -> None: ...
    def take_operations(self) -> list[tuple[float | None, int, int, int, bool, str]]: ...
    def in_flight(self) -> int: ...
    def probe(self, timeout_seconds: float) -> tuple[str, str, str, str | None]: ...
    def shutdown(self) -> None: ...

@final
class Errand:
    """Messages that a client is to carry, and the answers to them."""

    def messages(self) -> list[tuple[str | None, bytes]]: ...
    def seconds_left(self) -> float: ...
    def settle(self, index: int, outcome: str, reason: str) -> None: ...

@final
class BatchProcessor:
    """A bounded queue in front of a native exporter."""

    def __new__(
        cls,
        exporter: Exporter,
        max_queue_size: int | None,
        schedule_delay_millis: float,
        max_export_batch_size: int,
        export_timeout_millis: float,
        buffer: tuple[str, int, float, float, str | None, str] | None = None,
    ) -> BatchProcessor: ...
    def force_flush(self, timeout_millis: float) -> bool: ...
    def shutdown(self, timeout_millis: float) -> bool: ...
    def flush_on_termination(self, limit_millis: float) -> None: ...
    def counts(self) -> dict[str, int]: ...
    def buffer_counts(self) -> dict[str, int]: ...
    def serve(self, resource: Resource) -> None: ...

@final
class KeptMetrics:
    """What the buffer does for the metrics of a reader."""

    def __new__(
        cls,
        exporter: Exporter,
        max_export_batch_size: int | None,
        buffer: tuple[str, int, float, float, str | None, str],
    ) -> KeptMetrics: ...
    def watch(self, last: LastMetrics, resource: object) -> None: ...
    def renew(self) -> None: ...
    def clear(self) -> None: ...
    def shutdown(self, timeout_millis: float) -> None: ...

@final
class LastMetrics:
    """The streams of a metric reader that are exported when SIGTERM ends the process."""

    def __new__(
        cls, exporter: Exporter, max_export_batch_size: int | None, limit_millis: float
    ) -> LastMetrics: ...
    def add(self, scope: object, streams: list[MetricStream], resource: object) -> None: ...
    def clear(self) -> None: ...
    def forget(self) -> None: ...

@final
class Bell:
    """Something to wait for without a lock of Python's."""

    def __new__(cls) -> Bell: ...
    def ring(self) -> None: ...
    def count(self) -> int: ...
    def wait(self, heard: int, seconds: float) -> None: ...
    def wait_with_others(self, heard: int, seconds: float) -> None: ...

@disjoint_base
class Counter:
    """What counters do natively."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> Self: ...
    def __copy__(self) -> Self: ...
    def add(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    def _set_streams(
        self, streams: Iterable[MetricStream], exemplar_filter: ExemplarFilter
    ) -> None: ...
    def _forget_streams(self) -> None: ...
    def _set_enabled(self, is_enabled: bool) -> None: ...
    def _is_enabled(self) -> bool: ...

@disjoint_base
class UpDownCounter:
    """What up-down counters do natively."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> Self: ...
    def __copy__(self) -> Self: ...
    def add(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    def _set_streams(
        self, streams: Iterable[MetricStream], exemplar_filter: ExemplarFilter
    ) -> None: ...
    def _forget_streams(self) -> None: ...
    def _set_enabled(self, is_enabled: bool) -> None: ...
    def _is_enabled(self) -> bool: ...

@disjoint_base
class Histogram:
    """What histograms do natively."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> Self: ...
    def __copy__(self) -> Self: ...
    def record(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    def _set_streams(
        self, streams: Iterable[MetricStream], exemplar_filter: ExemplarFilter
    ) -> None: ...
    def _forget_streams(self) -> None: ...
    def _set_enabled(self, is_enabled: bool) -> None: ...
    def _is_enabled(self) -> bool: ...

@disjoint_base
class Gauge:
    """What gauges do natively."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> Self: ...
    def __copy__(self) -> Self: ...
    def set(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    def _set_streams(
        self, streams: Iterable[MetricStream], exemplar_filter: ExemplarFilter
    ) -> None: ...
    def _forget_streams(self) -> None: ...
    def _set_enabled(self, is_enabled: bool) -> None: ...
    def _is_enabled(self) -> bool: ...

@disjoint_base
class Observer:
    """Takes what the callbacks of one instrument told one reader."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> Self: ...
    def __copy__(self) -> Self: ...
    def observe(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    def _set_streams(
        self, streams: Iterable[MetricStream], exemplar_filter: ExemplarFilter
    ) -> None: ...
    def _forget_streams(self) -> None: ...
    def _set_enabled(self, is_enabled: bool) -> None: ...
    def _is_enabled(self) -> bool: ...

@final
class MetricStream:
    """What one view of one instrument tells one reader.

    `aggregation` is one of `("sum",)`, `("last_value",)`, `("explicit", boundaries,
    record_min_max)` and `("exponential", max_size, max_scale, record_min_max)`; `reservoir` is
    `None`, the size of a native reservoir, `"aligned"`, or what makes one written in Python.
    """

    def __new__(
        cls,
        name: str,
        description: str,
        unit: str,
        aggregation: tuple[Any, ...],
        temporality: int,
        is_asynchronous: bool,
        is_monotonic: bool,
        attribute_keys: set[str] | None,
        cardinality_limit: int,
        reservoir: Any,
    ) -> MetricStream: ...

@final
class MetricsSnapshot:
    """What a collection gave; its length is the number of data points."""

    def resource_metrics(self) -> list[ResourceMetrics]: ...
    def __len__(self) -> int: ...

def collect_metrics(
    streams: list[tuple[InstrumentationScope, MetricStream]],
    resource: Resource,
    time_unix_nano: int,
) -> MetricsSnapshot | None: ...
def encode_metrics(metrics_data: MetricsData) -> bytes: ...
def export_metrics(
    exporter: Exporter,
    metrics_data: MetricsData,
    timeout_seconds: float,
    max_export_batch_size: int | None,
) -> bool: ...

@disjoint_base
class Logger:
    """The native half of `opentelemetry.sdk._logs.Logger`."""

    __dict__: dict[str, Any]
    _resource: Resource

    def __copy__(self) -> Self: ...
    def __new__(
        cls,
        resource: Resource,
        multi_log_record_processor: LogRecordProcessor,
        instrumentation_scope: InstrumentationScope,
        *,
        logger_metrics: Any = None,
        log_record_limits: LogRecordLimits | None = None,
        _logger_config: Any = None,
    ) -> Logger: ...
    def emit(
        self,
        record: LogRecord | ReadWriteLogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None: ...
    def _is_enabled(self) -> bool: ...
    def _set_enabled(self, is_enabled: bool) -> None: ...
    @property
    def _instrumentation_scope(self) -> InstrumentationScope: ...
    @property
    def _multi_log_record_processor(self) -> LogRecordProcessor: ...
    @property
    def _log_record_limits(self) -> LogRecordLimits: ...

@disjoint_base
class LoggingHandler:
    """The native half of the `LoggingHandler`s."""

    def __new__(cls, *_arguments: Any, **_options: Any) -> LoggingHandler: ...
    def __copy__(self) -> Self: ...
    def _set_up(
        self, is_own_class: bool, keeps_objects: bool, has_code_attributes: bool
    ) -> None: ...
    def handle(self, record: logging.LogRecord) -> bool: ...
    def emit(self, record: logging.LogRecord) -> None: ...

@final
class LogRecordFactory:
    """The record factory of `LoggingInstrumentor`."""

    def __new__(
        cls,
        factory: Callable[..., logging.LogRecord],
        provider: Any,
        injects_context: bool,
        hook: Callable[[trace_api.Span, logging.LogRecord], object] | None,
    ) -> LogRecordFactory: ...
    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord: ...

def encode_logs(logs: Sequence[ReadableLogRecord]) -> bytes: ...
def export_logs(exporter: Exporter, logs: Sequence[ReadableLogRecord]) -> bool: ...
def readable_log_record(record: ReadWriteLogRecord, kept: bool) -> ReadableLogRecord: ...
def queue_log_record(
    queue: BatchProcessor, log: ReadWriteLogRecord | ReadableLogRecord
) -> None: ...
def encode_spans(spans: Sequence[Any]) -> bytes: ...
def export_spans(exporter: Exporter, spans: Sequence[Any]) -> bool: ...
def queue_span(queue: BatchProcessor, span: Any) -> None: ...
def queue_ending_spans(queue: BatchProcessor) -> None: ...
def final_attributes(
    attributes: Attributes, limit: int | None = None, max_length: int | None = None
) -> BoundedAttributes: ...
def random_trace_id() -> int: ...
def random_span_id() -> int: ...
def set_clock(clock: Callable[[], int] | None) -> None: ...
def settle_fork() -> None: ...
def severity_number(level: float) -> int: ...
def severity_text(level_name: Any) -> Any: ...
def buffer_files(directory: str, most: int) -> dict[str, Any]: ...
def log_pending() -> None: ...
def log_losses() -> None: ...
def forget_said() -> None: ...
def finish_diagnostics() -> None: ...

@disjoint_base
class JSONFormatter:
    """Writes log records as JSON: the native base of `oxitel.logs.JSONFormatter`."""

    def __new__(
        cls,
        *_arguments: Any,
        service_name: str | None = None,
        ensure_ascii: bool = True,
        **_options: Any,
    ) -> JSONFormatter: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...
    def format(self, record: logging.LogRecord) -> str: ...

@final
class SpanRecordFactory:
    """Makes log records that remember the current span, with `previous` where that is not
    `logging.LogRecord`, else of `record_class`."""

    def __new__(
        cls, record_class: type[logging.LogRecord], previous: Callable[..., logging.LogRecord]
    ) -> SpanRecordFactory: ...
    def __call__(self, *arguments: Any, **options: Any) -> logging.LogRecord: ...

class _Propagator:
    __dict__: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self: ...
    def extract(
        self,
        carrier: Any,
        context: Context | None = None,
        getter: Getter[Any] | None = None,
    ) -> Context: ...
    def inject(
        self,
        carrier: Any,
        context: Context | None = None,
        setter: Setter[Any] | None = None,
    ) -> None: ...

class TraceContextPropagator(_Propagator):
    """W3C Trace Context. `oxitel.propagation.w3c` has the class."""

class BaggagePropagator(_Propagator):
    """W3C Baggage. `oxitel.propagation.w3c` has the class."""

class B3Propagator(_Propagator):
    """B3. `oxitel.propagation.b3` has the classes."""

    def inject_single(
        self,
        carrier: Any,
        context: Context | None = None,
        setter: Setter[Any] | None = None,
    ) -> None: ...

class JaegerPropagator(_Propagator):
    """Jaeger's headers. `oxitel.propagation.jaeger` has the class."""

@disjoint_base
class CompositePropagator(_Propagator):
    """Several propagators. `oxitel.propagation.composite` has the class."""

    _propagators: Sequence[TextMapPropagator]

    def _stand_in(self, propagator: TextMapPropagator) -> None: ...

def default_port(protocol: str) -> int: ...
def shown_endpoint(url: str) -> str: ...
def scheme_and_authority(url: str) -> tuple[str, str]: ...
def retry_wait(failures: int, asked_seconds: float | None) -> float: ...
def retry_after(value: str) -> float | None: ...
def grpc_retry_delay(status_details: bytes | None, retry_info: bytes | None) -> float | None: ...
def is_retryable_http(status: int) -> bool: ...
def is_too_large_grpc(code: int, message: str) -> bool: ...
def partial_success(response: bytes) -> tuple[int, str] | None: ...
def grpc_method(signal: str) -> str: ...
