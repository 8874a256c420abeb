"""CeleryInstrumentor: traces and metrics of Celery's tasks, and of their publication.

Official name: `opentelemetry.instrumentation.celery`. Celery's signals say what happens; what a
publication raises is known by `Celery.send_task`, through which all of them go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextvars import ContextVar
from logging import getLogger
from timeit import default_timer
from types import ModuleType
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.metrics import Meter, get_meter
from opentelemetry.propagate import extract, inject
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
    get_tracer,
    use_span,
)

from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from . import celery_tasks as tasks
from .instrumentor import Instrumentor
from .messaging.unfinished import Unfinished
from .patching import Patches

_NAME = "opentelemetry.instrumentation.celery"
# Whatever the conventions, officially.
_SCHEMA_URL = "https://opentelemetry.io/schemas/1.11.0"
_RUNTIME = "flower.task.runtime.seconds"
_logger = getLogger(_NAME)

_instruments = ("celery >= 4.0, < 6.0",)


class CeleryGetter(Getter[Any]):
    """Reads the headers of a message, which Celery makes attributes of a request."""

    def get(self, carrier: Any, key: str) -> list[str] | None:
        value = getattr(carrier, key, None)
        if value is None:
            return None
        if isinstance(value, str) or not isinstance(value, Iterable):
            return [str(value)]
        return [str(part) for part in value]

    def keys(self, carrier: Any) -> list[str]:
        return []


celery_getter = CeleryGetter()


class _Current:
    """A span that is current until it is ended."""

    def __init__(self, span: Span, token: object | None = None) -> None:
        self.span = span
        self._activation = use_span(span, end_on_exit=True)
        self._activation.__enter__()
        self._token = token
        self._has_ended = False
        _unfinished.add(self)

    def __exit__(self, *exception: Any) -> None:
        """End it, in the way of a context manager, which others expect it to be."""
        self.end(exception[1] if len(exception) > 1 else None)

    def end(self, error: BaseException | None = None) -> None:
        if self._has_ended:
            return
        self._has_ended = True
        _unfinished.discard(self)
        try:
            if error is None:
                self._activation.__exit__(None, None, None)
            else:
                self._activation.__exit__(type(error), error, error.__traceback__)
        except BaseException as raised:
            # The exception goes on where it came from.
            if raised is not error:
                _logger.debug("Failed to end a span", exc_info=True)
        if self._token is not None:
            context_api.detach(self._token)  # type: ignore[arg-type]


_unfinished: Unfinished[_Current] = Unfinished(_Current.end)
# The publications of the call of `send_task` that runs, by the ids of their tasks.
_published: ContextVar[dict[str, tuple[_Current, Any]] | None] = ContextVar(
    "oxitel_celery_published", default=None
)


def _patch(module: ModuleType) -> None:
    from celery import Celery, signals

    def send_task(original: Callable[..., Any]) -> Callable[..., Any]:
        def send_task(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not _patches.is_on:
                return original(self, *args, **kwargs)
            mine: dict[str, tuple[_Current, Any]] = {}
            token = _published.set(mine)
            raised = None
            try:
                return original(self, *args, **kwargs)
            except BaseException as error:
                raised = error
                raise
            finally:
                _published.reset(token)
                # No signal has said that these are published.
                for task_id, (current, task) in mine.items():
                    tasks.detach_context(task, task_id, is_publish=True)
                    current.end(raised)

        return send_task

    _patches.wrap(Celery, "send_task", send_task)
    for name, handler in CeleryInstrumentor()._handlers().items():
        getattr(signals, name).connect(handler, weak=False)


def _disconnect(instrumentor: CeleryInstrumentor) -> None:
    import sys

    signals = sys.modules.get("celery.signals")
    if signals is not None:
        for name, handler in instrumentor._handlers().items():
            getattr(signals, name).disconnect(handler)


_patches = Patches({"celery": _patch})


@official("opentelemetry.instrumentation.celery")
class CeleryInstrumentor(Instrumentor):
    """Instruments Celery.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `use_span_links` (default False): the span of a task that runs begins a trace of its own, with
      a link to that of its publication, in place of being its child.
    """

    def __init__(self) -> None:
        super().__init__()
        if not hasattr(self, "metrics"):
            self.metrics: Any = None
        if not hasattr(self, "task_id_to_start_time"):
            self.task_id_to_start_time: dict[str, float] = {}

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        self._tracer = get_tracer(
            _NAME,
            OFFICIAL_CONTRIB_VERSION,
            kwargs.get("tracer_provider"),
            schema_url=_SCHEMA_URL,
        )
        self._use_span_links = bool(kwargs.get("use_span_links", False))
        meter_provider = kwargs.get("meter_provider")
        self.create_celery_metrics(
            get_meter(_NAME, OFFICIAL_CONTRIB_VERSION, meter_provider, schema_url=_SCHEMA_URL)
        )
        self.task_id_to_start_time = {}
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        _disconnect(self)
        _patches.switch_off()
        self.task_id_to_start_time = {}

    def _handlers(self) -> dict[str, Callable[..., None]]:
        return {
            "task_prerun": self._trace_prerun,
            "task_postrun": self._trace_postrun,
            "before_task_publish": self._trace_before_publish,
            "after_task_publish": self._trace_after_publish,
            "task_failure": self._trace_failure,
            "task_retry": self._trace_retry,
        }

    def _trace_prerun(self, *args: Any, **kwargs: Any) -> None:
        task = tasks.retrieve_task(kwargs)
        task_id = tasks.retrieve_task_id(kwargs)
        if task is None or task_id is None:
            return
        self.update_task_duration_time(task_id)
        name = f"run/{task.name}"
        context = extract(task.request, getter=celery_getter) or None
        token = None
        if self._use_span_links and context is not None:
            publisher = get_current_span(context).get_span_context()
            links = [Link(publisher)] if publisher.is_valid else None
            span = self._tracer.start_span(name, links=links, kind=SpanKind.CONSUMER)
        else:
            if context is not None:
                token = context_api.attach(context)
            span = self._tracer.start_span(name, context=context, kind=SpanKind.CONSUMER)
        tasks.attach_context(task, task_id, span, _Current(span, token), token)

    def _trace_postrun(self, *args: Any, **kwargs: Any) -> None:
        task = tasks.retrieve_task(kwargs)
        task_id = tasks.retrieve_task_id(kwargs)
        if task is None or task_id is None:
            return
        kept = tasks.retrieve_context(task, task_id)
        if kept is None:
            _logger.warning("no existing span found for task_id=%s", task_id)
            return
        span, current, _ = kept
        if span.is_recording():
            span.set_attribute("celery.action", "run")
            tasks.set_attributes_from_context(span, kwargs)
            tasks.set_attributes_from_context(span, task.request)
            span.set_attribute("celery.task_name", task.name)
        tasks.detach_context(task, task_id)
        self.update_task_duration_time(task_id)
        self._record_histograms(task_id, {"task": task.name, "worker": task.request.hostname})
        self.task_id_to_start_time.pop(task_id, None)
        current.__exit__(None, None, None)

    def _trace_before_publish(self, *args: Any, **kwargs: Any) -> None:
        task = tasks.retrieve_task_from_sender(kwargs)
        task_id = tasks.retrieve_task_id_from_message(kwargs)
        if task_id is None:
            return
        # A task that is not known in this process is published by its name.
        name = kwargs.get("sender", "unknown") if task is None else task.name
        span = self._tracer.start_span(f"apply_async/{name}", kind=SpanKind.PRODUCER)
        if span.is_recording():
            span.set_attribute("celery.action", "apply_async")
            span.set_attribute("messaging.message.id", task_id)
            span.set_attribute("celery.task_name", name)
            tasks.set_attributes_from_context(span, kwargs)
        current = _Current(span)
        published = _published.get()
        if published is not None:
            published[task_id] = (current, task)
        tasks.attach_context(task, task_id, span, current, None, is_publish=True)
        headers = kwargs.get("headers")
        if headers:
            inject(headers)

    @staticmethod
    def _trace_after_publish(*args: Any, **kwargs: Any) -> None:
        task = tasks.retrieve_task_from_sender(kwargs)
        task_id = tasks.retrieve_task_id_from_message(kwargs)
        if task_id is None:
            return
        kept = tasks.retrieve_context(task, task_id, is_publish=True)
        tasks.detach_context(task, task_id, is_publish=True)
        published = (_published.get() or {}).pop(task_id, None)
        if kept is not None:
            kept[1].__exit__(None, None, None)
        elif published is not None:
            published[0].end()
        elif task is not None:
            _logger.warning("no existing span found for task_id=%s", task_id)

    @staticmethod
    def _trace_failure(*args: Any, **kwargs: Any) -> None:
        task = tasks.retrieve_task_from_sender(kwargs)
        task_id = tasks.retrieve_task_id(kwargs)
        if task is None or task_id is None:
            return
        kept = tasks.retrieve_context(task, task_id)
        if kept is None or not kept[0].is_recording():
            return
        info = kwargs.get("einfo")
        error: Any = getattr(info, "exception", None)
        if type(error).__name__ == "ExceptionWithTraceback":
            # So billiard wraps what comes from another process.
            error = getattr(error, "exc", error)
        if error is not None and isinstance(error, getattr(task, "throws", ())):
            return
        description = None
        if isinstance(error, BaseException):
            description = str(error)
            kept[0].record_exception(error)
        kept[0].set_status(Status(StatusCode.ERROR, description))

    @staticmethod
    def _trace_retry(*args: Any, **kwargs: Any) -> None:
        task = tasks.retrieve_task_from_sender(kwargs)
        task_id = tasks.retrieve_task_id_from_request(kwargs)
        reason = tasks.retrieve_reason(kwargs)
        if task is None or task_id is None or reason is None:
            return
        kept = tasks.retrieve_context(task, task_id)
        if kept is not None and kept[0].is_recording():
            kept[0].set_attribute("celery.retry.reason", str(reason))

    def update_task_duration_time(self, task_id: str) -> None:
        """The first call notes the time, the second one how long it is ago, in seconds."""
        now = default_timer()
        started = self.task_id_to_start_time.get(task_id)
        self.task_id_to_start_time[task_id] = now if started is None else now - started

    def _record_histograms(self, task_id: str | None, metric_attributes: dict[str, Any]) -> None:
        if task_id is not None:
            seconds = self.task_id_to_start_time.get(task_id)
            self.metrics[_RUNTIME].record(seconds, attributes=metric_attributes)

    def create_celery_metrics(self, meter: Meter) -> None:
        self.metrics = {
            _RUNTIME: meter.create_histogram(
                _RUNTIME, unit="seconds", description="The time it took to run the task."
            )
        }
