"""Official path of oxitel.setup; private, and imported by other distributions all the
same."""

from oxitel.resources.resource import Resource as Resource
from oxitel.setup import (
    BaseConfigurator as _BaseConfigurator,
    Configurator as _OTelSDKConfigurator,
)
from oxitel.setup.components import (
    ExporterArgsMap as ExporterArgsMap,
    import_exporters as _import_exporters,
    init_logging as _init_logging,
    init_metrics as _init_metrics,
    init_tracing as _init_tracing,
    initialize_components as _initialize_components,
)
from oxitel.setup.official import (
    get_exporter_entry_point as _get_exporter_entry_point,
    get_exporter_names as _get_exporter_names,
    get_id_generator as _get_id_generator,
    get_logger_configurator as _get_logger_configurator,
    get_meter_configurator as _get_meter_configurator,
    get_sampler as _get_sampler,
    get_tracer_configurator as _get_tracer_configurator,
    import_config_components as _import_config_components,
    import_id_generator as _import_id_generator,
    import_logger_configurator as _import_logger_configurator,
    import_meter_configurator as _import_meter_configurator,
    import_sampler as _import_sampler,
    import_sampler_factory as _import_sampler_factory,
    import_tracer_configurator as _import_tracer_configurator,
)
from oxitel.setup.root_handler import (
    keep_through_configuration as _overwrite_logging_config_fns,
)
from oxitel.setup.selection import EXPORTER_BY_PROTOCOL as _EXPORTER_BY_OTLP_PROTOCOL
from oxitel.variables.otlp import PROTOCOL as _PROTOCOL
from oxitel.variables.zero_code import EXPORTERS as _EXPORTERS

_EXPORTER_OTLP = "otlp"
_EXPORTER_OTLP_PROTO_GRPC = _EXPORTER_BY_OTLP_PROTOCOL["grpc"]
_EXPORTER_OTLP_PROTO_HTTP = _EXPORTER_BY_OTLP_PROTOCOL["http/protobuf"]
_EXPORTER_ENV_BY_SIGNAL_TYPE = {
    signal.lower(): variable.name for signal, variable in _EXPORTERS.items()
}
_PROTOCOL_ENV_BY_SIGNAL_TYPE = {
    signal.lower(): variable.name for signal, variable in _PROTOCOL.by_signal.items()
}
_RANDOM_ID_GENERATOR = "random"
_DEFAULT_ID_GENERATOR = _RANDOM_ID_GENERATOR
_OTEL_SAMPLER_ENTRY_POINT_GROUP = "opentelemetry_traces_sampler"
