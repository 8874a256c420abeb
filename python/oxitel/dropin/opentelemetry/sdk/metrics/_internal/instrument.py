"""Official path of oxitel.metrics.instrument."""

from oxitel.metrics.instrument import (
    Counter as Counter,
    Gauge as Gauge,
    Histogram as Histogram,
    ObservableCounter as ObservableCounter,
    ObservableGauge as ObservableGauge,
    ObservableUpDownCounter as ObservableUpDownCounter,
    UpDownCounter as UpDownCounter,
    _Counter as _Counter,
    _Histogram as _Histogram,
    _MadeGauge as _Gauge,
    _ObservableCounter as _ObservableCounter,
    _ObservableGauge as _ObservableGauge,
    _ObservableUpDownCounter as _ObservableUpDownCounter,
    _UpDownCounter as _UpDownCounter,
)

__all__ = ["_Gauge"]
