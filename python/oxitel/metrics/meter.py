"""Meter: makes instruments. Official name: `opentelemetry.sdk.metrics.Meter`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from logging import getLogger
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics as api

from oxitel import _native
from oxitel.official_name import official

from . import instrument as instruments

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackT

    from oxitel.scope import InstrumentationScope

    from .pipeline import Pipeline

_logger = getLogger("opentelemetry.sdk.metrics._internal")


@dataclass
class _MeterConfig:
    """Whether a meter's instruments measure anything."""

    is_enabled: bool = True

    @classmethod
    def default(cls) -> _MeterConfig:
        return cls()


@official("opentelemetry.sdk.metrics._internal")
class Meter(api.Meter):
    """Makes instruments, the same one for the same name, kind, unit and description."""

    def __init__(
        self,
        instrumentation_scope: InstrumentationScope,
        measurement_consumer: Pipeline,
        *,
        _meter_config: _MeterConfig | None = None,
    ) -> None:
        super().__init__(
            name=instrumentation_scope.name,
            version=instrumentation_scope.version,
            schema_url=instrumentation_scope.schema_url,
        )
        self._instrumentation_scope = instrumentation_scope
        self._measurement_consumer = measurement_consumer
        self._instrument_id_instrument: dict[str, Any] = {}
        self._instrument_registration_lock = threading.Lock()
        self._meter_config = _meter_config or _MeterConfig.default()

    def _is_enabled(self) -> bool:
        return self._meter_config.is_enabled

    def _set_meter_config(self, meter_config: _MeterConfig) -> None:
        with self._instrument_registration_lock:
            self._meter_config = meter_config
            for instrument in self._instrument_id_instrument.values():
                instrument._set_enabled(meter_config.is_enabled)

    def _renew_locks(self) -> None:
        self._instrument_registration_lock = threading.Lock()
        self._instrument_ids_lock = threading.Lock()

    def _instrument(
        self,
        cls: type,
        public: type,
        name: str,
        unit: str,
        description: str,
        *more: Any,
        advisory: Any = None,
    ) -> Any:
        _native.settle_fork()
        with self._instrument_registration_lock:
            status = self._register_instrument(name, cls, unit, description, advisory)
            instrument = self._instrument_id_instrument.get(status.instrument_id)
            is_new = instrument is None
            if is_new:
                instrument = cls(
                    name,
                    self._instrumentation_scope,
                    self._measurement_consumer,
                    *more,
                    _meter_config=self._meter_config,
                )
                self._instrument_id_instrument[status.instrument_id] = instrument
        if is_new and isinstance(instrument, instruments._Asynchronous):
            self._measurement_consumer.register_asynchronous_instrument(instrument)
        if status.conflict:
            self._log_instrument_registration_conflict(
                name, public.__name__, unit, description, status
            )
        return instrument

    def create_counter(self, name: str, unit: str = "", description: str = "") -> api.Counter:
        """A counter, to which amounts that are not negative are added. Exception for a name or
        unit that the specification does not allow."""
        cls = instruments._Counter
        return self._instrument(cls, api.Counter, name, unit, description, unit, description)

    def create_up_down_counter(
        self, name: str, unit: str = "", description: str = ""
    ) -> api.UpDownCounter:
        """A counter whose amounts may be negative."""
        cls = instruments._UpDownCounter
        return self._instrument(cls, api.UpDownCounter, name, unit, description, unit, description)

    def create_observable_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> api.ObservableCounter:
        """A counter whose sum the `callbacks` return at each collection."""
        cls, public = instruments._ObservableCounter, api.ObservableCounter
        more = (callbacks, unit, description)
        return self._instrument(cls, public, name, unit, description, *more)

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> api.Histogram:
        """A histogram. `explicit_bucket_boundaries_advisory` are the boundaries of its buckets, in
        ascending order, unless a view sets others; None for the default ones."""
        advisory = explicit_bucket_boundaries_advisory
        if advisory is not None and not _are_numbers(advisory):
            advisory = None
            _logger.warning("explicit_bucket_boundaries_advisory must be a sequence of numbers")
        cls = instruments._Histogram
        more = (unit, description, advisory)
        return self._instrument(
            cls, api.Histogram, name, unit, description, *more, advisory=advisory
        )

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> api._Gauge:
        """A gauge, which keeps the last value it is set to."""
        cls = instruments._MadeGauge
        return self._instrument(cls, api._Gauge, name, unit, description, unit, description)

    def create_observable_gauge(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> api.ObservableGauge:
        """A gauge whose value the `callbacks` return at each collection."""
        cls, public = instruments._ObservableGauge, api.ObservableGauge
        more = (callbacks, unit, description)
        return self._instrument(cls, public, name, unit, description, *more)

    def create_observable_up_down_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> api.ObservableUpDownCounter:
        """A counter that may fall, whose sum the `callbacks` return at each collection."""
        cls, public = instruments._ObservableUpDownCounter, api.ObservableUpDownCounter
        more = (callbacks, unit, description)
        return self._instrument(cls, public, name, unit, description, *more)


def _are_numbers(boundaries: object) -> bool:
    return isinstance(boundaries, Sequence) and all(
        isinstance(boundary, int | float) for boundary in boundaries
    )
