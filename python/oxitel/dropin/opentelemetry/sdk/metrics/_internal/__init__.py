"""Official path of what other packages take from the inside of the metrics SDK."""

from oxitel.incidental import incidental
from oxitel.metrics.meter import Meter as Meter, _MeterConfig as _MeterConfig
from oxitel.metrics.provider import (
    MeterProvider as MeterProvider,
    _default_meter_configurator as _default_meter_configurator,
    _disable_meter_configurator as _disable_meter_configurator,
    _get_exemplar_filter as _get_exemplar_filter,
    _MeterConfiguratorT as _MeterConfiguratorT,
    _RuleBasedMeterConfigurator as _RuleBasedMeterConfigurator,
)

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.sdk.metrics._internal.instrument": (
            "_Counter _Gauge _Histogram _ObservableCounter _ObservableGauge "
            "_ObservableUpDownCounter _UpDownCounter"
        ),
    },
    loggers=("_logger",),
)
