"""The global providers while tests look on: whichever the program has set or sets later, and where
there is none, one of ours that gives way to the program's as soon as it comes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import opentelemetry._logs._internal as logs_api
import opentelemetry.metrics._internal as metrics_api
from opentelemetry import trace as trace_api

Attach = Callable[[Any], None]
# Packages whose handlers send records of `logging` to a logger provider.
_HANDLERS = ("opentelemetry.", "oxitel.")


class Providers:
    """The three of them. One for the whole run."""

    def __init__(self) -> None:
        self._watching: list[Attach] = []
        self._seen: list[Any] = []
        self._signals = (_Traces(self), _Metrics(self), _Logs(self))
        self._handler = _RootHandler()

    def watch(self, attach: Attach) -> None:
        """Call `attach` with each provider, and with those that are set from now on."""
        self._watching.append(attach)
        self._seen.clear()
        for signal in self._signals:
            signal.begin()
        self._handler.begin()

    def forget(self, attach: Attach) -> None:
        """The opposite of `watch`."""
        self._watching.remove(attach)
        if not self._watching:
            self._handler.end()
            for signal in self._signals:
                signal.end()

    def tell(self, provider: Any) -> None:
        if not any(provider is seen for seen in self._seen):
            self._seen.append(provider)
            for attach in self._watching:
                attach(provider)

    def named(self) -> list[str]:
        return [f"{type(it).__module__}.{type(it).__qualname__}" for it in self._seen]


class _Signal:
    """One of the three: the module of the API that has its global provider, and the names there."""

    module: Any
    name: str

    def __init__(self, providers: Providers) -> None:
        self._providers = providers
        self._own: Any = None
        self._set = getattr(self.module, self._setter)

    @property
    def _setter(self) -> str:
        return f"_set_{self.name}"

    @property
    def _variable(self) -> str:
        return f"_{self.name.upper()}"

    def current(self) -> Any:
        """What is set, or None."""
        provider = getattr(self.module, f"get_{self.name}")()
        return None if getattr(self.module, self._variable) is None else provider

    def begin(self) -> None:
        if getattr(self.module, self._setter) != self._notice:
            self._set = getattr(self.module, self._setter)
            setattr(self.module, self._setter, self._notice)
        present = self.current()
        if present is None:
            self.stand_in()
            present = self._own
        elif present is not self._own and self._own is not None:
            # Tracers and loggers of before may have been bound to it.
            self._providers.tell(self._real(self._own))
        self._providers.tell(self._real(present))

    def end(self) -> None:
        setattr(self.module, self._setter, self._set)
        if self._own is not None and self.current() is self._own:
            setattr(self.module, self._variable, None)

    def stand_in(self) -> None:
        """Set one of ours, and let the program set its own later."""
        if self._own is None:
            self._own = self.new()
        self._set(self._own, False)
        getattr(self.module, f"{self._variable}_SET_ONCE")._done = False

    def _notice(self, provider: Any, log: bool) -> None:
        self._set(provider, log)
        present = self.current()
        if present is not None:
            self._providers.tell(self._real(present))

    def _real(self, provider: Any) -> Any:
        return getattr(provider, "of_the_fixture", provider)

    def new(self) -> Any:
        raise NotImplementedError


class _Traces(_Signal):
    module = trace_api
    name = "tracer_provider"

    def new(self) -> Any:
        from oxitel.trace.provider import TracerProvider

        return _TracerProvider(TracerProvider(shutdown_on_exit=False))


class _Metrics(_Signal):
    module = metrics_api
    name = "meter_provider"

    def new(self) -> Any:
        from oxitel.metrics.provider import MeterProvider

        # Meters of the API's proxy are bound anew when the program sets its own.
        return MeterProvider(shutdown_on_exit=False)


class _Logs(_Signal):
    module = logs_api
    name = "logger_provider"

    def new(self) -> Any:
        from oxitel.logs.provider import LoggerProvider

        return _LoggerProvider(LoggerProvider(shutdown_on_exit=False))


# The API's proxies keep the first tracer or logger that they get for good. Those that they get
# here go on asking which provider is set.


class _TracerProvider(trace_api.TracerProvider):
    def __init__(self, provider: Any) -> None:
        self.of_the_fixture = provider

    def get_tracer(self, *args: Any, **kwargs: Any) -> trace_api.Tracer:
        return _Tracer(self, args, kwargs)

    def now(self) -> Any:
        present = trace_api._TRACER_PROVIDER
        if present is None:
            return trace_api.NoOpTracerProvider()
        return self.of_the_fixture if present is self else present


class _Tracer(trace_api.Tracer):
    def __init__(self, provider: _TracerProvider, args: Any, kwargs: Any) -> None:
        self._provider, self._args, self._kwargs = provider, args, kwargs

    def _tracer(self) -> trace_api.Tracer:
        tracer: trace_api.Tracer = self._provider.now().get_tracer(*self._args, **self._kwargs)
        return tracer

    def start_span(self, *args: Any, **kwargs: Any) -> trace_api.Span:
        return self._tracer().start_span(*args, **kwargs)

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        return self._tracer().start_as_current_span(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tracer(), name)


class _LoggerProvider(logs_api.LoggerProvider):
    def __init__(self, provider: Any) -> None:
        self.of_the_fixture = provider

    def get_logger(self, name: str, *args: Any, **kwargs: Any) -> logs_api.Logger:
        return _Logger(self, name, args, kwargs)

    def now(self) -> Any:
        present = logs_api._LOGGER_PROVIDER
        if present is None:
            return logs_api.NoOpLoggerProvider()
        return self.of_the_fixture if present is self else present


class _Logger(logs_api.Logger):
    def __init__(self, provider: _LoggerProvider, name: str, args: Any, kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        self._provider, self._given = provider, (name, args, kwargs)

    def _logger(self) -> Any:
        name, given, named = self._given
        return self._provider.now().get_logger(name, *given, **named)

    def emit(self, *args: Any, **kwargs: Any) -> None:
        self._logger().emit(*args, **kwargs)

    def enabled(self, **kwargs: Any) -> bool:
        return bool(self._logger().enabled(**kwargs))


class _RootHandler(logging.Handler):
    """Has records of `logging` kept, too, where the program has no handler that does."""

    def __init__(self) -> None:
        super().__init__()
        self._inner: logging.Handler | None = None

    def begin(self) -> None:
        from oxitel.instrumentation.logging_handler import LoggingHandler

        self._inner = LoggingHandler()
        root = logging.getLogger()
        if self not in root.handlers:
            root.addHandler(self)

    def end(self) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        others = (type(handler) for handler in logging.getLogger().handlers)
        has_one = any(
            kind.__name__ == "LoggingHandler" and kind.__module__.startswith(_HANDLERS)
            for kind in others
        )
        if not has_one and self._inner is not None:
            self._inner.handle(record)
