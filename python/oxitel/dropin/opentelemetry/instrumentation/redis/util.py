"""Official path of oxitel.instrumentation.redis_commands."""

from oxitel.instrumentation.redis_commands import (
    _add_create_attributes as _add_create_attributes,
    _add_search_attributes as _add_search_attributes,
    _build_span_meta_data_for_pipeline as _build_span_meta_data_for_pipeline,
    _build_span_name as _build_span_name,
    _format_command_args as _format_command_args,
    _set_span_attribute_if_value as _set_span_attribute_if_value,
    _value_or_none as _value_or_none,
)
