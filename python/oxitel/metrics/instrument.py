"""The instruments. Adding up is native; here is what they are called and what their names may be.

Official names: `opentelemetry.sdk.metrics`. Specification: metrics API, "Instrument".
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from logging import getLogger
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics as api
from opentelemetry.metrics._internal.instrument import _MetricsHistogramAdvisory

from oxitel import _native
from oxitel.diagnostics.shown import Shown
from oxitel.official_name import official
from oxitel.own_methods import done_natively

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, CallbackT, Observation

    from oxitel.scope import InstrumentationScope

    from .pipeline import Pipeline

_logger = getLogger("opentelemetry.sdk.metrics._internal.instrument")


class _Instrument:
    """What all instruments have: a name in lower case, a unit, a description, a scope."""

    name: str
    unit: str
    description: str
    instrumentation_scope: InstrumentationScope
    _measurement_consumer: Pipeline

    def _identify(
        self,
        name: str,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: Pipeline,
        unit: str,
        description: str,
    ) -> None:
        checked = api.Instrument._check_name_unit_description(name, unit, description)
        for what, given, longest in (("name", name, 255), ("unit", unit, 63)):
            if checked[what] is None:
                raise Exception(
                    f"Expected ASCII string of maximum length {longest} characters but got"
                    f" {Shown(given)}"
                )
        self.name = name.lower()
        self.unit = checked["unit"] or ""
        self.description = checked["description"] or ""
        self.instrumentation_scope = instrumentation_scope
        self._measurement_consumer = measurement_consumer


class _Synchronous(_Instrument):
    if TYPE_CHECKING:
        # The native classes have these.
        def _set_enabled(self, is_enabled: bool) -> None: ...
        def _set_streams(self, streams: list[Any], exemplar_filter: Any) -> None: ...
        def _forget_streams(self) -> None: ...

    def __init__(
        self,
        name: str,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: Pipeline,
        unit: str = "",
        description: str = "",
        *,
        _meter_config: Any = None,
    ) -> None:
        self._identify(name, instrumentation_scope, measurement_consumer, unit, description)
        self._set_enabled(_meter_config is None or _meter_config.is_enabled)

    def _resolve(self) -> None:
        # Called natively, at the first measurement.
        self._measurement_consumer.connect(self)


class _Asynchronous(_Instrument):
    def __init__(
        self,
        name: str,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: Pipeline,
        callbacks: Iterable[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
        *,
        _meter_config: Any = None,
    ) -> None:
        self._identify(name, instrumentation_scope, measurement_consumer, unit, description)
        self._enabled = _meter_config is None or _meter_config.is_enabled
        self._callbacks = [_callable(callback) for callback in callbacks or ()]

    def _is_enabled(self) -> bool:
        return self._enabled

    def _set_enabled(self, is_enabled: bool) -> None:
        self._enabled = is_enabled

    def callback(self, callback_options: CallbackOptions) -> Iterable[Observation]:
        """Ask all callbacks. One that raises is logged, and what it gave before counts."""
        if not self._enabled:
            return
        for callback in self._callbacks:
            try:
                yield from callback(callback_options)
            except Exception:
                _logger.exception("Callback failed for instrument %s.", self.name)


def _callable(
    callback: CallbackT,
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """A callback as a function; a generator is advanced to its first `yield`."""
    if not isinstance(callback, Generator):
        return callback
    next(callback)

    def advance(options: CallbackOptions) -> Iterable[Observation]:
        try:
            return callback.send(options)
        except StopIteration:
            return ()

    return advance


def _refuse(cls: type, public: type) -> None:
    if cls is public:
        raise TypeError(f"{public.__name__} must be instantiated via a meter.")


@official("opentelemetry.sdk.metrics._internal.instrument")
class Counter(_native.Counter, _Synchronous, api.Counter):
    """A sum of amounts that are not negative."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Counter:
        _refuse(cls, Counter)
        return super().__new__(cls)


@official("opentelemetry.sdk.metrics._internal.instrument")
@done_natively("add")
class UpDownCounter(_native.UpDownCounter, _Synchronous, api.UpDownCounter):
    """A sum of amounts of either sign."""

    def __new__(cls, *args: Any, **kwargs: Any) -> UpDownCounter:
        _refuse(cls, UpDownCounter)
        return super().__new__(cls)


@official("opentelemetry.sdk.metrics._internal.instrument")
@done_natively("record")
class Histogram(_native.Histogram, _Synchronous, api.Histogram):
    """A distribution of amounts that are not negative."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Histogram:
        _refuse(cls, Histogram)
        return super().__new__(cls)

    def __init__(
        self,
        name: str,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: Pipeline,
        unit: str = "",
        description: str = "",
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
        *,
        _meter_config: Any = None,
    ) -> None:
        super().__init__(
            name,
            instrumentation_scope,
            measurement_consumer,
            unit,
            description,
            _meter_config=_meter_config,
        )
        self._advisory = _MetricsHistogramAdvisory(
            explicit_bucket_boundaries=explicit_bucket_boundaries_advisory
        )


@official("opentelemetry.sdk.metrics._internal.instrument")
class Gauge(_native.Gauge, _Synchronous, api._Gauge):
    """The last amount. Official name: `opentelemetry.sdk.metrics._Gauge`."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Gauge:
        _refuse(cls, Gauge)
        return super().__new__(cls)


@official("opentelemetry.sdk.metrics._internal.instrument")
class ObservableCounter(_Asynchronous, api.ObservableCounter):
    """Totals that callbacks tell, which never fall but when they begin anew."""

    def __new__(cls, *args: Any, **kwargs: Any) -> ObservableCounter:
        _refuse(cls, ObservableCounter)
        return super().__new__(cls)


@official("opentelemetry.sdk.metrics._internal.instrument")
class ObservableUpDownCounter(_Asynchronous, api.ObservableUpDownCounter):
    """Totals that callbacks tell."""

    def __new__(cls, *args: Any, **kwargs: Any) -> ObservableUpDownCounter:
        _refuse(cls, ObservableUpDownCounter)
        return super().__new__(cls)


@official("opentelemetry.sdk.metrics._internal.instrument")
class ObservableGauge(_Asynchronous, api.ObservableGauge):
    """Values that callbacks tell."""

    def __new__(cls, *args: Any, **kwargs: Any) -> ObservableGauge:
        _refuse(cls, ObservableGauge)
        return super().__new__(cls)


# The classes of what meters make.
class _Counter(Counter):
    pass


class _UpDownCounter(UpDownCounter):
    pass


class _Histogram(Histogram):
    pass


class _MadeGauge(Gauge):
    pass


_MadeGauge.__name__ = _MadeGauge.__qualname__ = "_Gauge"


class _ObservableCounter(ObservableCounter):
    pass


class _ObservableUpDownCounter(ObservableUpDownCounter):
    pass


class _ObservableGauge(ObservableGauge):
    pass


# The public name of gauges, as officially.
_Gauge = Gauge
